/// <reference types="vite/client" />
// Every lesson from other people's bugs has a test that names it in its title, and so has every line of the checklists. The lists are here so that a test
// which goes takes its number along in daylight.

import { expect, test } from 'vitest'
import { CHECKLISTS } from './checklists.ts'

const CATALOGUE = [
  ...Array.from({ length: 40 }, (_, i) => `T${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `S${i + 1}`),
]

const files = import.meta.glob<string>(['/test/**/*.test.ts', '/test/suites/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
})
/** Titles of tests that an ordinary run leaves out: `runIf` on the long run, the title on its line or on the next. */
const LEFT_OUT = /\b(?:runIf|skipIf)\([^\n]*(?:LONG)[^\n]*\)\(\s*(?:'(?:[^'\\\n]|\\.)*'|`[^`]*`)/g

function titlesOf(sources: readonly string[]): string {
  return sources
    .flatMap((source) => source.split('\n'))
    .filter((line) => !/^\s*(\/\/|\*)/.test(line))
    .flatMap((line) => line.match(/'(?:[^'\\]|\\.)*'|`[^`]*`|"[^"]*"/g) ?? [])
    .filter((text) => text.includes(' '))
    .join('\n')
}

const titles = titlesOf(Object.values(files))
const ordinary = titlesOf(Object.values(files).map((source) => source.replace(LEFT_OUT, '')))
/** What only the long run tests. */
const LONG_NUMBERS: readonly string[] = []
const LONG_LINES: readonly string[] = [
  ...['expired request partially pays', 'three providers competing'],
  ...['the same on a real chain, and repaired', 'every proof is bad, on a real chain'],
]

test('every number of the catalogue is in the title of a test', () => {
  expect(titles).toContain(' (T30)')
  expect(CATALOGUE.filter((name) => !new RegExp(`\\b${name}\\b`).test(titles))).toEqual([])
})

test('what only the long run tests is listed', () => {
  const isOrdinary = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(ordinary)
  expect(CATALOGUE.filter((name) => !isOrdinary(name) && !LONG_NUMBERS.includes(name))).toEqual([])
  const lines = Object.values(CHECKLISTS).flatMap((each) => each.filter(([, title]) => !ordinary.includes(title)))
  expect(lines.map(([line]) => line).filter((line) => !LONG_LINES.includes(line))).toEqual([])
})

test.each(Object.entries(CHECKLISTS))('every line of the checklist of %s has a test', (_, lines) => {
  expect(lines.filter(([, title]) => !titles.includes(title))).toEqual([])
})
