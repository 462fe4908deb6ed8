// The one configuration of vite and vitest: what `dist` is made of, the headers of the dev server, the test projects
// "nodejs" and "browser". It is not the developer's interface: that is the scripts of package.json.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { playwright } from '@vitest/browser-playwright'
import type { Plugin } from 'vite'
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import type { BrowserCommand } from 'vitest/node'

import manifest from './package.json' with { type: 'json' }
import { type Chromium, findChromium } from './test/chromium.ts'
import type * as CompileForTests from './test/proving/compilefortests.ts'
import type * as KeysForTests from './test/proving/keysfortests.ts'
import { contractFiles } from './test/contractfiles.ts'
import LongFirst from './test/longfirst.ts'
import { workerFiles } from './test/workerfiles.ts'

const ROOT = fileURLToPath(new URL('.', import.meta.url))
const DIST = join(ROOT, 'dist')

/** Files of `dist` that people import or run, by name, and the source each is built from. */
const LIBRARY_ENTRIES = {
  exchange: 'src/entries/exchange.ts',
  'market.browser': 'src/entries/market.browser.ts',
  'market.nodejs': 'src/entries/market.nodejs.ts',
  'node.browser': 'src/entries/node.browser.ts',
  'node.nodejs': 'src/entries/node.nodejs.ts',
  protocol: 'src/entries/protocol.ts',
  'proving.browser': 'src/entries/proving.browser.ts',
  'proving.nodejs': 'src/entries/proving.nodejs.ts',
  'slots.browser': 'src/entries/slots.browser.ts',
  'slots.nodejs': 'src/entries/slots.nodejs.ts',
}
const COMMAND_ENTRIES = {
  cli: 'src/cli/cli.ts',
}

/** Packages that stay imports in the library: whoever installs codex-light installs them too, and shares them. */
const EXTERNAL_OF_LIBRARY = Object.keys(manifest.dependencies).map((name) => new RegExp(`^${name}(/|$)`))
/** The command bundles what it can, because opening many files is most of a cold start; an addon cannot be, nor what looks for its own files. */
const EXTERNAL_OF_COMMAND = [/^classic-level$/, /^snarkjs$/]

/** A page under these headers is cross-origin isolated: it may use SharedArrayBuffer and precise timers. */
const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const TEST_TIMEOUT_MS = 60_000
/** One more than there are cores: many tests wait more than they compute. Long ones compute all the time, and have deadlines to meet. */
const TEST_WORKERS = availableParallelism() + (process.env['LONG'] ? 0 : 1)
/** How long a test waits for what a page or a process will show; the default of a second is short on a busy machine. */
const POLL_TIMEOUT_MS = 30_000
/** Tests on purpose outside a normal run: they measure, and compare with packages that are not installed here. */
const NEVER_TESTS = ['**/node_modules/**', 'test/bench/**']
/** Have a project of their own in the long run, one after the other before all else: they meet periods of half a minute, and times that hold for a machine which does nothing else. */
const ALONE = process.env['LONG'] ? ['test/{cli,web}/demo.nodejs.test.ts'] : []
/** What touches no platform, and is proven in a tab by what is made of it: a tab runs it in the same engine as Node, so it does only in the long run. */
const LONG_IN_A_TAB = [
  'test/{sales,purchasing,validation}/*.test.ts',
  'test/{wasm/{circuittemplates,field,fieldtransforms},proving/{pooledsetuparithmetic,witnesscalculator}}.test.ts',
  'test/slots/{slots{errors,properties,work},hashjobs}.test.ts',
  'test/{storage/{datasets,repostorefaults},exchange/{blockexchange,treetrust}}.test.ts',
]

export default defineConfig(async ({ mode }): Promise<ViteUserConfig> => {
  if (mode === 'package' || mode === 'command') return packageBuild(mode)
  if (process.env['VITEST'] !== undefined) return tests()
  return page()
})

/** The page: `vite` serves it, `vite build --mode page` writes it to `dist/web`. */
function page(): ViteUserConfig {
  return {
    root: join(ROOT, 'web'),
    base: './',
    server: { headers: ISOLATION_HEADERS },
    preview: { headers: ISOLATION_HEADERS },
    worker: { format: 'es' },
    build: { target: 'es2022', outDir: join(DIST, 'web'), emptyOutDir: true, reportCompressedSize: true },
  }
}

/** The library or the command: ES modules that Node runs as they are, split where the source imports lazily. */
function packageBuild(mode: 'package' | 'command'): ViteUserConfig {
  const entries = Object.entries(mode === 'package' ? LIBRARY_ENTRIES : COMMAND_ENTRIES)
  const external = mode === 'package' ? EXTERNAL_OF_LIBRARY : EXTERNAL_OF_COMMAND
  return {
    root: ROOT,
    publicDir: false,
    plugins: [
      workerFiles(),
      executable(Object.keys(COMMAND_ENTRIES).map((name) => join(DIST, `${name}.js`))),
      ...(mode === 'package' ? [contractFiles(DIST)] : []),
    ],
    ssr: { noExternal: true, target: 'node' },
    define: { CODEX_LIGHT_REVISION: JSON.stringify(revision()) },
    build: {
      ssr: true,
      target: 'es2022',
      outDir: DIST,
      emptyOutDir: mode === 'package', // The first of the builds that share the folder.
      minify: false,
      rolldownOptions: {
        input: Object.fromEntries(entries.filter(([, source]) => existsSync(join(ROOT, source)))),
        external: [/^node:/, ...external],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: `${mode === 'package' ? 'lib' : 'command'}/[name].js`,
        },
      },
    },
  }
}

/** Short hash of the commit that is built; empty where the sources are no repository, or nobody can tell. */
function revision(): string {
  if (!existsSync(join(ROOT, '.git'))) return ''
  try {
    return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
  } catch {
    return ''
  }
}

/** Makes the written commands executable; their first line (`#!`) is the source's own. */
function executable(files: readonly string[]): Plugin {
  return {
    name: 'codex-light:executable',
    apply: 'build',
    writeBundle: () => files.filter((file) => existsSync(file)).forEach((file) => chmodSync(file, 0o755)),
  }
}

/** Two projects over the same files: `x.test.ts` runs in both, `x.nodejs.test.ts` and `x.browser.test.ts` in one. */
async function tests(): Promise<ViteUserConfig> {
  const chromium = await chromiumOrReason()
  const profile = mkdtempSync(join(tmpdir(), 'codex-light-chromium-'))
  process.on('exit', () => rmSync(profile, { recursive: true, force: true, maxRetries: 3 }))
  const browserOptions = {
    // A getter, so that running only the "nodejs" project needs no browser at all.
    get launchOptions() {
      if (!(chromium instanceof Error)) return chromium
      process.stderr.write(`${chromium.message}\n`)
      process.exit(1)
    },
    // The default context is incognito: its OPFS and IndexedDB live in memory, so they would be neither slow nor durable.
    persistentContext: profile,
  }
  return {
    root: ROOT,
    server: { headers: ISOLATION_HEADERS },
    worker: { format: 'es' },
    test: {
      // Read as `import.meta.env.LONG`, which a tab has too.
      env: { LONG: process.env['LONG'] ?? '' },
      setupFiles: ['./test/fastbytes.ts'],
      testTimeout: TEST_TIMEOUT_MS,
      hookTimeout: TEST_TIMEOUT_MS,
      // A third of a run was loading the same modules for each file anew. What a test replaces is put back before the next.
      isolate: false,
      restoreMocks: true,
      unstubGlobals: true,
      // The same for both projects, else they would run one after the other.
      maxWorkers: TEST_WORKERS,
      expect: { poll: { timeout: POLL_TIMEOUT_MS } },
      sequence: { sequencer: LongFirst, groupOrder: 1 },
      reporters: ['default', './test/summary.ts'],
      projects: [
        {
          extends: true,
          test: {
            name: 'nodejs',
            environment: 'node',
            include: ['test/**/*.test.ts'],
            exclude: [...NEVER_TESTS, ...ALONE, 'test/**/*.browser.test.ts'],
          },
        },
        {
          extends: true,
          test: { name: 'alone', environment: 'node', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 0 } },
        },
        {
          extends: true,
          optimizeDeps: {
            // All named up front: a dependency discovered in mid-run makes vite reload the page under the tests.
            noDiscovery: true,
            include: [
              '@noble/curves/bn254.js',
              '@noble/curves/secp256k1.js',
              '@noble/hashes/sha2.js',
              '@noble/hashes/sha3.js',
              '@noble/hashes/utils.js',
              'comlink',
              'ethers',
              'ethers/abi',
              'ethers/crypto',
              'ethers/hash',
              'ethers/transaction',
              'ethers/utils',
              'ethers/wallet',
              'fast-check',
              'idb',
              'multiformats/bases/base58',
              'multiformats/bases/base64',
            ],
          },
          test: {
            name: 'browser',
            include: ['test/**/*.test.ts'],
            exclude: [...NEVER_TESTS, 'test/**/*.nodejs.test.ts', ...(process.env['LONG'] ? [] : LONG_IN_A_TAB)],
            browser: {
              enabled: true,
              // One page at a time: the persistent profile cannot be shared, and tests of storage want the disk to themselves.
              fileParallelism: false,
              headless: true,
              screenshotFailures: false,
              provider: playwright(browserOptions),
              commands: { compileForTests, keysForTests },
              instances: [{ browser: 'chromium' }],
            },
          },
        },
      ],
    },
  }
}

/** Lets a test in a tab have a circuit compiled. Through the server, because templates are imported as only vite can. */
const compileForTests: BrowserCommand<[main: string]> = async ({ project }, main) => {
  const loaded = await project.vite.ssrLoadModule('/test/proving/compilefortests.ts')
  return (loaded as typeof CompileForTests).compileForTests(main)
}

/** The same for its keys. */
const keysForTests: BrowserCommand<[main: string]> = async ({ project }, main) => {
  const loaded = await project.vite.ssrLoadModule('/test/proving/keysfortests.ts')
  return (loaded as typeof KeysForTests).keysForTests(main)
}

async function chromiumOrReason(): Promise<Chromium | Error> {
  try {
    return await findChromium()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
