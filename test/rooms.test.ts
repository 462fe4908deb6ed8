/// <reference types="vite/client" />
// Holds every source against the walls drawn in test/rooms.ts, and shows with planted files that each wall would be missed.

import { describe, expect, test } from 'vitest'

import { blankOut, readImports } from './readimports.ts'
import { breaches } from './rooms.ts'

function ownSources(): ReadonlyMap<string, string> {
  const files = import.meta.glob<string>(['/src/**/*.{ts,tsx}', '/web/**/*.{ts,tsx}', '/wasm/**/*.ts'], {
    query: '?raw',
    import: 'default',
    eager: true,
  })
  return new Map(Object.entries(files).map(([path, source]) => [path.slice(1), source]))
}

test('every import keeps to the house', () => {
  const sources = ownSources()
  expect(sources.size).toBeGreaterThan(0)
  expect(sources.has('src/lib/errors.ts')).toBe(true)
  expect(breaches(sources).join('\n')).toBe('')
})

/** The smallest house in which every wall stands; each planted file is added to it or replaces one of its files. */
const SOUND: Readonly<Record<string, string>> = {
  'src/lib/clock.ts': '// Clock.\nexport interface Clock { now(): number }\n',
  'src/protocol/cid.ts': "// Cid.\nimport { sha256 } from '@noble/hashes/sha2.js'\nexport const hash = sha256\n",
  'src/workers/slabworker.ts': "// A worker.\nimport '../../wasm/field/load.ts'\nexport const api = 1\n",
  'src/storage/store.ts': "// Store.\nimport type { Clock } from '../lib/clock.ts'\nexport type Store = Clock\n",
  'src/market/market.ts': "// Market.\nimport { hash } from '../protocol/cid.ts'\nexport type Market = typeof hash\n",
  'src/sales/sale.ts': "// Sale.\nimport type { Market } from '../market/market.ts'\nexport type Sale = Market\n",
  'src/node.ts': "// Node.\nimport type { Sale } from './sales/sale.ts'\nexport type CodexNode = Sale\n",
  'src/nodejs.ts':
    "// Root.\nimport { readFile } from 'node:fs'\nimport './node.ts'\nimport './platform/nodejs/file.ts'\nreadFile\n",
  'src/browser.ts': "// Root.\nimport './node.ts'\nimport './platform/browser/idb.ts'\nexport const n = navigator\n",
  'src/platform/nodejs/file.ts':
    "// File.\nimport 'node:fs'\nimport type { Market } from '../../market/market.ts'\nexport type M = Market\n",
  'src/platform/browser/idb.ts':
    "// Idb.\nimport { openDB } from 'idb'\nexport const w = new URL('../../workers/slabworker.ts', import.meta.url)\n",
  'src/entries/protocol.ts': "// Entry.\nexport { hash } from '../protocol/cid.ts'\n",
  'src/platform/nodejs/threads.ts':
    "// Threads.\nexport const w = new URL('../../entries/hashworker.nodejs.ts', import.meta.url)\n",
  'src/entries/hashworker.nodejs.ts': "// A thread.\nimport '../../wasm/field/load.ts'\nexport const n = 1\n",
  'src/entries/slots.nodejs.ts': "// Entry.\nexport * from '../platform/nodejs/file.ts'\n",
  'src/cli/cli.ts': "#!/usr/bin/env node\n// Cli.\nprocess.exitCode = (await import('../nodejs.ts')) ? 0 : 1\n",
  'wasm/field/load.ts': '// Loader.\nexport const load = 1\n',
  'web/page.tsx':
    "// Page.\nimport { render } from 'preact'\nimport './page.css'\nimport '../src/browser.ts'\nrender(document)\n",
}

interface Planted {
  readonly path: string
  readonly code: string
  readonly says: string
}

const PLANTED: Readonly<Record<string, Planted>> = {
  'a type imported upward': {
    path: 'src/lib/bad.ts',
    code: "import type { Store } from '../storage/store.ts'",
    says: 'lib may import nothing; not storage',
  },
  'a dynamic import upward': {
    path: 'src/storage/bad.ts',
    code: "const x = await import('../market/market.ts')",
    says: 'not market',
  },
  'the type of a dynamic import upward': {
    path: 'src/storage/bad.ts',
    code: "export type X = import('../market/market.ts').Market",
    says: 'not market',
  },
  'a worker referenced upward': {
    path: 'src/lib/bad.ts',
    code: "new Worker(new URL('../workers/slabworker.ts', import.meta.url))",
    says: 'not workers',
  },
  'an import over several lines': {
    path: 'src/lib/bad.ts',
    code: "import {\n  type Store,\n  // a 'quote' between\n} from '../storage/store.ts'",
    says: 'not storage',
  },
  'a neighbour on the same floor': {
    path: 'src/proving/bad.ts',
    code: "import '../market/market.ts'",
    says: 'not market',
  },
  'the other platform': {
    path: 'src/platform/browser/bad.ts',
    code: "import '../nodejs/file.ts'",
    says: 'not platform/nodejs',
  },
  'a platform running a room above the seams': {
    path: 'src/platform/nodejs/bad.ts',
    code: "import { market } from '../../market/market.ts'",
    says: 'not market',
  },
  'a platform looking up at the node': {
    path: 'src/platform/nodejs/bad.ts',
    code: "import type { CodexNode } from '../../node.ts'",
    says: 'not node.ts',
  },
  'a root taking the other platform': {
    path: 'src/browser.ts',
    code: "import './platform/nodejs/file.ts'",
    says: 'not platform/nodejs',
  },
  'an entry taking a platform not its own': {
    path: 'src/entries/bad.browser.ts',
    code: "export * from '../platform/nodejs/file.ts'",
    says: 'not platform/nodejs',
  },
  'a plain entry taking a platform': {
    path: 'src/entries/bad.ts',
    code: "export * from '../platform/nodejs/file.ts'",
    says: 'not platform/nodejs',
  },
  'the page reaching past its root': {
    path: 'web/bad.ts',
    code: "import '../src/storage/store.ts'",
    says: 'not storage',
  },
  'the page taking the root of Node': { path: 'web/bad.ts', code: "import '../src/nodejs.ts'", says: 'not nodejs.ts' },
  'the command reaching past its root': {
    path: 'src/cli/bad.ts',
    code: "import '../storage/store.ts'",
    says: 'not storage',
  },
  'a kernel outside a worker': {
    path: 'src/storage/bad.ts',
    code: "import '../../wasm/field/load.ts'",
    says: 'not wasm',
  },
  'a platform that runs the first file of a thread itself': {
    path: 'src/platform/nodejs/bad.ts',
    code: "import '../../entries/hashworker.nodejs.ts'",
    says: 'not entries/*.nodejs.ts',
  },
  'a platform that starts a thread of the other': {
    path: 'src/platform/browser/bad.ts',
    code: "export const w = new URL('../../entries/hashworker.nodejs.ts', import.meta.url)",
    says: 'not entries/*.nodejs.ts',
  },
  'a thread that starts with something else': {
    path: 'src/platform/nodejs/bad.ts',
    code: "export const w = new URL('../../entries/slots.nodejs.ts', import.meta.url)",
    says: 'not entries/*.nodejs.ts',
  },
  'a test in the source': {
    path: 'src/lib/bad.ts',
    code: "import '../../test/rooms.ts'",
    says: 'found no test/rooms.ts',
  },
  'an import without its ending': {
    path: 'src/storage/bad.ts',
    code: "import '../lib/clock'",
    says: 'found no src/lib/clock',
  },
  'a computed import': { path: 'src/cli/bad.ts', code: 'await import(`./${verb}.ts`)', says: 'in plain text' },
  'Node in the core': { path: 'src/storage/bad.ts', code: "import { open } from 'node:fs'", says: 'may name node:*' },
  'Node without its prefix': { path: 'src/storage/bad.ts', code: "import { open } from 'fs'", says: 'fs has no door' },
  'Node by a global name': { path: 'src/lib/bad.ts', code: 'const x = process.env', says: 'may name process' },
  'the browser in the core': { path: 'src/storage/bad.ts', code: 'const x = indexedDB', says: 'may name indexedDB' },
  'the browser through the global object': {
    path: 'src/storage/bad.ts',
    code: 'const x = globalThis.navigator',
    says: 'may name globalThis.navigator',
  },
  'the browser inside a template': { path: 'src/lib/bad.ts', code: 'const x = `${window}`', says: 'may name window' },
  'a package through the wrong door': {
    path: 'src/lib/bad.ts',
    code: "import { sha256 } from '@noble/hashes/sha2.js'",
    says: 'the door of @noble/hashes/sha2.js is in protocol, storage, proving; not in lib',
  },
  'a package of a family': { path: 'src/lib/bad.ts', code: "import '@libp2p/tcp'", says: 'the door of @libp2p/tcp' },
  'a package without a door': { path: 'src/lib/bad.ts', code: "import 'lodash'", says: 'lodash has no door yet' },
  'a re-export outside the entries': {
    path: 'src/storage/bad.ts',
    code: "export type { Clock } from '../lib/clock.ts'",
    says: 'only src/entries re-exports',
  },
  'a star re-export outside the entries': {
    path: 'src/node.ts',
    code: "export * as clock from './lib/clock.ts'",
    says: 'only src/entries re-exports',
  },
  'a circle': {
    path: 'src/lib/clock.ts',
    code: "import './clock.ts'",
    says: 'circle: src/lib/clock.ts -> src/lib/clock.ts',
  },
  'a room nobody drew': { path: 'src/misc/bad.ts', code: '', says: 'no room misc' },
  'a file beside the roots': { path: 'src/bad.ts', code: '', says: 'no room bad.ts' },
  'a folder in a room': { path: 'src/storage/deep/bad.ts', code: '', says: 'rooms are flat' },
  'a third platform': { path: 'src/platform/deno/bad.ts', code: '', says: 'no room platform/deno' },
  'a file directly in platform': { path: 'src/platform/bad.ts', code: '', says: 'no room platform/bad.ts' },
  'a name with capitals': { path: 'src/lib/badName.ts', code: '', says: 'lower case' },
  'a platform ending outside the entries': { path: 'src/lib/bad.browser.ts', code: '', says: 'lower case' },
  'a name that says nothing': { path: 'src/lib/utils.ts', code: '', says: 'not utils.ts' },
}

describe('the walls notice', () => {
  test('nothing in a sound house', () => {
    expect(breaches(new Map(Object.entries(SOUND)))).toEqual([])
  })

  for (const [name, { path, code, says }] of Object.entries(PLANTED)) {
    test(name, () => {
      const found = breaches(new Map(Object.entries({ ...SOUND, [path]: `// Planted.\n${code}\n` })))
      expect(found).toHaveLength(1)
      expect(found[0]).toContain(says)
      expect(found[0]).toContain(path)
    })
  }

  test('a file that does not say what it is', () => {
    expect(breaches(new Map([['src/lib/bad.ts', 'export const x = 1\n']]))).toHaveLength(1)
  })

  test('a circle through several files', () => {
    const planted = {
      'src/lib/a.ts': "// A.\nimport type { B } from './b.ts'\n",
      'src/lib/b.ts': "// B.\nimport type { C } from './c.ts'\n",
      'src/lib/c.ts': "// C.\nexport type A = import('./a.ts').A\n",
    }
    expect(breaches(new Map(Object.entries(planted)))).toEqual([
      'imports run in a circle: src/lib/a.ts -> src/lib/b.ts -> src/lib/c.ts -> src/lib/a.ts',
    ])
  })

  test('the offending line', () => {
    const planted = '// Planted.\n\nexport const a = 1\nexport const b = window.name // here\n'
    expect(breaches(new Map([['src/lib/bad.ts', planted]]))[0]).toMatch(
      /^src\/lib\/bad\.ts:4: export const b = window\.name \/\/ here\n/,
    )
  })
})

describe('the reader looks past', () => {
  test('comments, strings, templates and patterns', () => {
    const source = [
      "// import './a.ts'",
      "/* import './b.ts' and window */",
      'const text = "import \'./c.ts\' // window"',
      "const more = `import './d.ts' ${inner(`window ${'}'} `)} window`",
      "const pattern = /import '[/window]'/g.test(text) ? 1 / 2 : 3 / window",
      "const path = a.import('x') + meta.from 'y'",
    ].join('\n')
    expect(readImports(source)).toEqual([])
    expect(blankOut(source).match(/window/g)).toHaveLength(1)
    expect(blankOut(source)).toHaveLength(source.length)
  })

  test("names that are somebody else's", () => {
    const source = '// Fine.\nexport const x = { window: 1, navigator: y.document, text: `window ${1 / 2}` }\n'
    expect(breaches(new Map([['src/lib/fine.ts', source]]))).toEqual([])
  })
})
