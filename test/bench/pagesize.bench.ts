// How much the page loads before it shows something, gzipped: the document, its styles and its scripts. Files that are imported later do not count.

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import type { Bench, Place, Sample } from './harness.ts'

export const bench: Bench = {
  name: 'pagesize',
  title: 'First page',
  rounds: 1,
  figures: [
    { key: 'kilobytes', unit: 'kB', title: 'HTML, CSS and JavaScript, gzipped', goal: { of: 'ours', atMost: 60 } },
  ],
  sides: { ours },
}

const STARTED = /<(?:script|link)[^>]*\s(?:src|href)="([^"]+\.(?:js|css))"/g
const IMPORTED = /(?:^|[;}\s])(?:import|export)\s*(?:[\w$*{}\s,]+?from\s*)?"(\.[^"]+\.js)"/g

async function ours({ root }: Place): Promise<Sample> {
  const folder = join(root, 'dist/web')
  const page = await readFile(join(folder, 'index.html'), 'utf8')
  const waiting = [...page.matchAll(STARTED)].map(([, path = '']) => join(folder, path))
  if (waiting.length === 0) throw new Error('expected a script in dist/web/index.html, found none')
  const sizes = new Map([['index.html', gzipSync(page).length]])
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (sizes.has(file)) continue
    const code = await readFile(file, 'utf8')
    sizes.set(file, gzipSync(code).length)
    for (const [, path = ''] of code.matchAll(IMPORTED)) waiting.push(join(dirname(file), path))
  }
  return { kilobytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1000, files: sizes.size }
}
