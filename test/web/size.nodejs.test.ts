import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { expect, test } from 'vitest'

import { BUILT_PAGE } from './openpage.ts'

/** Of all that must be there before the page can show anything: the document, its styles, its scripts. */
const BUDGET_BYTES = 60_000

/** index.html, what it loads, and what those files import without being asked later. */
async function firstLoad(): Promise<ReadonlyMap<string, string>> {
  const html = await readFile(join(BUILT_PAGE, 'index.html'), 'utf8')
  const tags = html.matchAll(/<(?:script|link)[^>]+(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)
  const waiting = Array.from(tags, ([, path]) => path ?? '')
  const found = new Map([['index.html', html]])
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    const source = await readFile(join(BUILT_PAGE, path), 'utf8')
    found.set(path, source)
    for (const [, imported] of source.matchAll(/(?:\bfrom|^import|[;}]import)\s*"(\.[^"]+)"/g))
      waiting.push(new URL(imported ?? '', `file:///${path}`).pathname.slice(1))
  }
  return found
}

test(`the first load of the page is at most ${BUDGET_BYTES} bytes, gzipped`, async () => {
  const files = await firstLoad()
  for (const kind of ['html', 'css', 'js'])
    expect([...files.keys()]).toContainEqual(expect.stringMatching(new RegExp(`\\.${kind}$`)))
  const sizes = Array.from(files.values(), (source) => gzipSync(source).length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  console.log(`first load of the page: ${total} bytes gzipped in ${files.size} files`)
  expect(total).toBeLessThanOrEqual(BUDGET_BYTES)
})

test('index.html loads nothing from elsewhere and runs nothing inline', async () => {
  const html = await readFile(join(BUILT_PAGE, 'index.html'), 'utf8')
  expect(html).not.toMatch(/(?:src|href)="(?!\.\/)/)
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/i)
})
