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
const titles = Object.values(files)
  .flatMap((source) => source.split('\n'))
  .filter((line) => !/^\s*(\/\/|\*)/.test(line))
  .flatMap((line) => line.match(/'(?:[^'\\]|\\.)*'|`[^`]*`|"[^"]*"/g) ?? [])
  .filter((text) => text.includes(' '))
  .join('\n')

test('every number of the catalogue is in the title of a test', () => {
  expect(titles).toContain(' (T30)')
  expect(CATALOGUE.filter((name) => !new RegExp(`\\b${name}\\b`).test(titles))).toEqual([])
})

test.each(Object.entries(CHECKLISTS))('every line of the checklist of %s has a test', (_, lines) => {
  expect(lines.filter(([, title]) => !titles.includes(title))).toEqual([])
})
