// The package as a stranger gets it: packed, installed into an empty project, type-checked and run there. What the
// functions compute is not its concern.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import manifest from '../package.json' with { type: 'json' }
import { DEFAULT_CONFIGURATION } from '../src/devnet/configuration.ts'
import type { DevnetArtefacts } from '../src/devnet/contractartefact.ts'
import { startDevnet } from '../src/devnet/startdevnet.ts'
import { NodeKey } from '../src/market/nodekey.ts'
import { FULL_CIRCUIT } from '../wasm/circuit/templates.ts'
import { compileContracts } from './compilecontracts.ts'
import { circuitWithKeys } from './proving/keys.ts'
import { readmeSamples } from './readmesamples.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

const CONSUMER = `
import { blockCid, type Cid, parseCid, requestId } from 'codex-light/protocol'

const cid: Cid = blockCid(new Uint8Array(3))
const text: string = String(parseCid(String(cid)))
// @ts-expect-error A CID is no number, and the declarations must say so.
const wrong: number = cid
if (wrong === undefined || typeof requestId !== 'function') throw new Error('nothing came through')
console.log(text)
`

const SLOTS_CONSUMER = `
import { buildDataset, createErasure, createPoseidon2, proofInputs, type SmallDataset } from 'codex-light/slots'

const poseidon2 = await createPoseidon2()
const hash: bigint = poseidon2.hashBytes(new Uint8Array(0))
const [parity] = (await createErasure()).encode([new Uint8Array(64)], 1)
const dataset: SmallDataset = await buildDataset(new Uint8Array(9), { ecK: 1, ecM: 1, filename: 'a' })
const { slotIndex, entropy } = await proofInputs(dataset, 1, '0x' + '01'.repeat(32))
// @ts-expect-error An element is no number, and the declarations must say so.
const wrong: number = dataset.datasetRoot
if (wrong === undefined || parity === undefined || slotIndex !== 1) throw new Error('nothing came through')
console.log(String(hash), String(entropy % 1000n))
`
const MARKET_CONSUMER = `
import { generateKey, type Market, MARKETPLACE_ABI, NodeKey, openMarket, type SlotDuty } from 'codex-light/market'

const key: NodeKey = generateKey()
// @ts-expect-error A market wants an endpoint, and the declarations must say so.
const wrong: Promise<Market> = openMarket({ key, signal: new AbortController().signal })
const said = await wrong.catch((error: { code: string }) => error.code)
const dutyOf = (duties: readonly SlotDuty[]): string | undefined => duties[0]?.duty?.challenge
console.log(MARKETPLACE_ABI.length, key.address.length, typeof dutyOf, said)
`
/** The sponge of no bytes (data reference §2.7), and the entropy's last digits. */
const SLOTS_ANSWER = '5101758095924000127790537496504070769319625501671400349336709520206095219618 481\n'

/** On a machine with much else to do. */
const COMPILE_MS = 300_000

let project = ''
/** Of README.md, by name. */
let samples: Awaited<ReturnType<typeof readmeSamples>> = {}

/** Needs a built `dist`: `npm test` builds first. Only the package's own dependencies are installed, by link. */
beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), 'codex-light-consumer-')))
  const modules = join(project, 'node_modules')
  const home = join(modules, manifest.name)
  await mkdir(home, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: ROOT,
  })
  const packed = /"filename": "([^"]+\.tgz)"/.exec(stdout)?.[1]
  expect(packed).toBeDefined()
  await run('tar', ['-xzf', join(project, packed ?? ''), '-C', home, '--strip-components=1'])
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(join(modules, name, '..'), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  await writeFile(join(project, 'consumer.ts'), CONSUMER)
  await writeFile(join(project, 'slots.ts'), SLOTS_CONSUMER)
  await writeFile(join(project, 'market.ts'), MARKET_CONSUMER)
  samples = await readmeSamples()
  for (const [name, code] of Object.entries(samples)) await writeFile(join(project, `readme-${name}.ts`), code)
})

afterAll(() => rm(project, { recursive: true, force: true }))

describe('a project that installs the package', () => {
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    // A compiler run each. `attw` looks at how modules are found in every other check.
    test.runIf(module === 'nodenext' || import.meta.env['LONG'])(
      `type-checks with moduleResolution ${moduleResolution}`,
      async () => {
        const compilerOptions = {
          module,
          moduleResolution,
          strict: true,
          target: 'es2022',
          lib: ['es2022', 'dom'],
          types: [],
        }
        await writeFile(
          join(project, 'tsconfig.json'),
          JSON.stringify({
            compilerOptions,
            files: [
              ...['consumer.ts', 'slots.ts', 'market.ts'],
              // A bundler takes the entries for a page, and a provider in a page has no folder.
              ...Object.keys(samples).flatMap((name) =>
                name === 'node' && moduleResolution === 'bundler' ? [] : [`readme-${name}.ts`],
              ),
            ],
          }),
        )
        // Rejects with the compiler's words when it complains. Libraries are checked too: ours is one of them.
        const { stdout } = await run(process.execPath, [
          TSC,
          '--project',
          project,
          '--outDir',
          join(project, 'out'),
        ]).catch((error: { stdout: string }) => error)
        expect(stdout).toBe('')
      },
      COMPILE_MS,
    )
  }

  test('runs', async () => {
    const { stdout } = await run(process.execPath, [join(project, 'out', 'consumer.js')])
    expect(stdout).toMatch(/^z[1-9A-HJ-NP-Za-km-z]+\n$/)
  })

  test('finds in the README samples that say what they say', async () => {
    const said = async (name: string): Promise<string> =>
      (await run(process.execPath, [join(project, 'out', `readme-${name}.js`)])).stdout
    const promised = /console\.log\(.*\/\/ (z\w+)/.exec(samples['protocol'] ?? '')?.[1]
    expect(await said('protocol')).toBe(`${promised}\n`)
    expect(await said('slots')).toBe('5\n')
    expect(await said('exchange')).toBe(`${promised}\n`)
  })

  // Makes a proof of the full circuit and a key for it.
  test.runIf(import.meta.env['LONG'])(
    'runs the README’s provider on a chain, up to what it offers and to its end',
    async () => {
      const { r1cs, wasm, zkey, verificationKey } = await circuitWithKeys(FULL_CIRCUIT)
      await writeFile(join(project, 'circuit.r1cs'), r1cs)
      await writeFile(join(project, 'circuit.wasm'), wasm)
      await writeFile(join(project, 'circuit.zkey'), zkey)
      const { signal } = new AbortController()
      const devnet = await startDevnet({
        ...{ signal, configuration: DEFAULT_CONFIGURATION, verificationKey, blockSeconds: 1 },
        artefacts: (await compileContracts()) as unknown as DevnetArtefacts,
      })
      try {
        const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
        const key = NodeKey.fromPrivateKey(devnet.accounts[2]?.privateKey ?? '')
        const keystore = await key.toKeystore('open sesame', random, 1024)
        const compiled = await readFile(join(project, 'out', 'readme-node.js'), 'utf8')
        const replaced = [
          [/file:\/\/\/home\/me\/circuit\//, pathToFileURL(`${project}/`).href],
          [/bootstrap: \[[^\]]*\]/, 'bootstrap: []'],
          [/ethProvider: '[^']*'/, `ethProvider: '${devnet.endpoint}', marketplace: '${devnet.contracts.marketplace}'`],
          [/\/tcp\/8070/, '/tcp/0'],
        ] as const
        for (const [from] of replaced) expect(compiled).toMatch(from)
        const code = replaced.reduce((text, [from, to]) => text.replace(from, to), compiled)
        const before = `const keystore = ${JSON.stringify(keystore)}\nconst password = 'open sesame'\n`
        const after = `\nconsole.log(JSON.stringify(node.trade.provider.reservations.availabilities().map(({ totalSize }) => totalSize)), node.trade.market.host)\nprocess.emit('SIGINT')\n`
        await writeFile(join(project, 'out', 'provider.js'), before + code + after)
        // It ends by itself: nothing of the node is left running.
        const { stdout } = await run(process.execPath, [join(project, 'out', 'provider.js')], { cwd: project })
        expect(stdout).toBe(`5\ntrue\n[${100 * 2 ** 30}] ${key.address}\n`)
      } finally {
        await devnet.stop()
      }
    },
    300_000,
  )

  test('hashes, codes and proves in Node', async () => {
    const { stdout } = await run(process.execPath, [join(project, 'out', 'slots.js')])
    expect(stdout).toBe(SLOTS_ANSWER)
  })

  test('has the market: its ABI, keys, and no market without an endpoint', async () => {
    const { stdout } = await run(process.execPath, [join(project, 'out', 'market.js')])
    expect(stdout).toBe('75 42 function market/bad-endpoint\n')
  })

  test('does so from a page whose bundler made one file of it all, which fetches nothing', async () => {
    const built = await build({
      root: project,
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        target: 'es2022',
        modulePreload: false,
        rolldownOptions: { input: join(project, 'slots.ts'), output: { codeSplitting: false } },
      },
    })
    const files = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []))
    expect(files.map(({ type }) => type)).toEqual(['chunk'])
    const [chunk] = files
    const code = chunk?.type === 'chunk' ? chunk.code : ''
    expect(/['"`]node:|\bfetch\(/.exec(code)?.[0]).toBe(undefined)
    await writeFile(join(project, 'out', 'bundled.mjs'), `delete globalThis.fetch\ndelete globalThis.process\n${code}`)
    const { stdout } = await run(process.execPath, [join(project, 'out', 'bundled.mjs')])
    expect(stdout).toBe(SLOTS_ANSWER)
  })

  test('brings the licences, and of our files nothing but what is built', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
    const paths = [...stdout.matchAll(/"path": "([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(paths).toEqual(expect.arrayContaining(['LICENSE-APACHE', 'LICENSE-MIT', 'package.json', 'dist/protocol.js']))
    expect(paths.filter((path) => !/^(dist\/|LICENSE-|README\.md$|package\.json$)/.test(path))).toEqual([])
  })
})
