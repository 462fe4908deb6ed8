// The demo as a process: the main job from circuit to payout, its document, and what it says where it cannot run.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { SALE_STATE_NAMES } from '../../src/sales/salephase.ts'
import { type Ended, run, scratchFolder, start } from './command.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NOT_COPIED = ['node_modules', 'dist', '.git', '.cache', '.docs']
/** Of a start that builds the circuit first, beyond the others. */
const FIRST_START_SECONDS = 180
const IS_LONG = Boolean(import.meta.env['LONG'])

interface Answer {
  readonly request: { readonly id: string }
  readonly circuit: { readonly constraints: number }
  readonly slots: readonly {
    readonly index: number
    readonly host: string
    readonly phases: readonly { readonly name: string; readonly at: number }[]
    readonly proofs: { readonly submitted: number; readonly missed: number }
    readonly payoutWei: string
  }[]
  readonly gas: Readonly<Record<string, { readonly calls: number }>>
  readonly timings: Readonly<Record<string, number>>
  readonly page: string | null
}

test('a file that is none, or too small or too large for the slots, and periods too short for proofs, are refused before anything is started', async () => {
  const small = join(scratchFolder(), 'small.txt')
  writeFileSync(small, 'too little')
  const missing = await run(['demo', '--once', '--json', join(scratchFolder(), 'none.bin')])
  expect([missing.code, JSON.parse(missing.stdout)]).toMatchObject([1, { error: { code: 'demo/no-file' } }])
  const little = await run(['demo', '--once', '--json', small])
  expect([little.code, JSON.parse(little.stdout)]).toMatchObject([1, { error: { code: 'demo/too-small' } }])
  const large = join(scratchFolder(), 'large.bin')
  writeFileSync(large, '')
  truncateSync(large, 9 * 2 ** 30)
  const much = await run(['demo', '--once', '--json', large])
  expect([much.code, JSON.parse(much.stdout)]).toMatchObject([
    1,
    { error: { code: 'demo/too-large', detail: { limit: 4 * 2 ** 30 } } },
  ])
  const short = await run(['demo', '--once', '--json', '--period', '5s'])
  expect([short.code, JSON.parse(short.stdout)]).toMatchObject([2, { error: { code: 'demo/short-period' } }])
})

// Two minutes of periods, and proofs of the full circuit: for a machine that does nothing else.
test.runIf(IS_LONG)(
  '--once --json buys storage for a real file, and is one document about how it was paid',
  async () => {
    const { code, stdout, stderr } = await run(['demo', '--once', '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const { request, circuit, slots, gas, timings, page } = JSON.parse(stdout) as Answer
    expect(request.id).toMatch(/^0x[0-9a-f]{64}$/)
    expect(circuit.constraints).toBeGreaterThan(80_000)
    expect(page).toBe(null)
    expect(slots.map(({ index }) => index)).toEqual([0, 1, 2])
    for (const { host, phases, proofs, payoutWei } of slots) {
      expect(host).toMatch(/^0x[0-9a-f]{40}$/)
      const names = phases.map(({ name }) => name)
      expect(SALE_STATE_NAMES).toEqual(expect.arrayContaining(names))
      expect([names[0], names.at(-1)]).toEqual(['SalePreparing', 'SaleFinished'])
      expect(names).toEqual(
        expect.arrayContaining(['SaleDownloading', 'SaleInitialProving', 'SaleFilled', 'SaleProving']),
      )
      expect(phases.map(({ at }) => at)).toEqual(phases.map(({ at }) => at).sort((a, b) => a - b))
      expect(proofs.submitted).toBeGreaterThanOrEqual(2)
      expect(proofs.missed).toBe(0)
      expect(BigInt(payoutWei)).toBeGreaterThan(0n)
    }
    expect(gas).toMatchObject({ requestStorage: { calls: 1 }, fillSlot: { calls: 3 }, freeSlot: { calls: 3 } })
    expectInTime(timings)
  },
)

test.runIf(IS_LONG)(
  '`npm start -s -- --once --json` builds, and writes one document and nothing else to stdout',
  async () => {
    const copy = copyOfSources()
    const none = join(copy, 'none.bin')
    const refused = await npmStart(copy, none)
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([1, { error: { code: 'demo/no-file' } }])
    expect(existsSync(join(copy, 'dist', 'web', 'index.html'))).toBe(true)
    const { code, stdout, stderr } = await npmStart(copy)
    expect(code, stderr).toBe(0)
    const { request, timings } = JSON.parse(stdout) as Answer
    expect(request.id).toMatch(/^0x[0-9a-f]{64}$/)
    // Once the circuit was built, which is kept on this computer.
    expect(timings['circuit']).toBeLessThan(FIRST_START_SECONDS)
    expectInTime(timings)
  },
)

// It takes the processes of Linux to find the chain's.
test.runIf(IS_LONG && process.platform === 'linux')(
  'a chain that ends in the middle ends the demo, in words',
  async () => {
    const { child, ended } = start(['demo', '--once'])
    let said = ''
    const waits = new Promise<void>((resolve) =>
      child.stdout.on('data', (text: string) => {
        said += text
        if (/\bupload\b/.test(said)) resolve()
      }),
    )
    await Promise.race([waits, ended])
    const [chain] = descendants(child.pid ?? 0).filter((pid) => /\/anvil\0/.test(read(`/proc/${pid}/cmdline`)))
    process.kill(chain ?? NaN, 'SIGKILL')
    const { code, stderr } = await ended
    expect([code, stderr]).toEqual([1, expect.stringContaining('the local chain ended before the demo did') as string])
  },
)

function read(path: string): string {
  return readFileSync(path, 'utf8')
}

function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...descendants(child)])
}

/** Where it can be built without taking away what other tests run. */
function copyOfSources(): string {
  const copy = scratchFolder()
  for (const part of readdirSync(ROOT))
    if (!NOT_COPIED.includes(part)) cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

async function npmStart(cwd: string, ...more: readonly string[]): Promise<Ended> {
  // As a person has it: builds make something else where tests run.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$)/.test(name)))
  // With a group of its own: npm would leave what it started behind.
  const child = spawn('npm', ['start', '-s', '--', '--once', '--json', ...more], { cwd, env, detached: true })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  onTestFinished(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...said }
}

/** Since everything runs, seconds: of the design's sums for a machine of its own. */
function expectInTime(timings: Answer['timings']): void {
  const since = (stage: string): number => (timings[stage] ?? Infinity) - (timings['nodes'] ?? 0)
  expect(since('firstSlotFilled')).toBeLessThan(60)
  expect(since('firstProof')).toBeLessThan(100)
  expect(since('paid')).toBeLessThan(180)
}
