// The command `npm run bench`: chooses benches, prepares, measures, prints. Started by run.js.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { bundleModule } from '../bundlemodule.ts'
import { findChromium } from '../chromium.ts'
import { bench as blocks } from './blocks.bench.ts'
import { bench as blocksInTab } from './blocks.browser.bench.ts'
import { bench as coldstart } from './coldstart.bench.ts'
import { bench as field } from './field.bench.ts'
import { bench as fieldInTab } from './field.browser.bench.ts'
import { bench as fieldScalar } from './fieldscalar.bench.ts'
import type { Bench } from './harness.ts'
import { compare, measureInTurn } from './harness.ts'
import { bench as exchange } from './exchange.bench.ts'
import { bench as exchangeBitswap } from './exchangebitswap.bench.ts'
import { bench as exchangeInTab } from './exchange.browser.bench.ts'
import { bench as exchangeGib } from './exchangegib.bench.ts'
import { bench as leopard } from './leopard.bench.ts'
import { bench as leopardInTab } from './leopard.browser.bench.ts'
import { bench as marketDuties } from './marketduties.bench.ts'
import { bench as marketEvents } from './marketevents.bench.ts'
import { machine } from './machine.ts'
import { bench as pagesize } from './pagesize.bench.ts'
import { bench as poseidon2 } from './poseidon2.bench.ts'
import { bench as poseidon2InTab } from './poseidon2.browser.bench.ts'
import { bench as poseidon2Scalar } from './poseidon2scalar.bench.ts'
import { bench as poseidon2Twin } from './poseidon2twin.bench.ts'
import { bench as poseidon2Wasmcurves } from './poseidon2wasmcurves.bench.ts'
import { bench as poseidon2Workers } from './poseidon2workers.bench.ts'
import { bench as proofInputs } from './proofinputs.bench.ts'
import { bench as prove } from './prove.bench.ts'
import { bench as proveInTab } from './prove.browser.bench.ts'
import { bench as proveOneThread } from './proveonethread.bench.ts'
import { bench as proveMemory } from './provememory.bench.ts'
import { bench as provePlain } from './proveplain.browser.bench.ts'
import { bench as proveScalar } from './provescalar.bench.ts'
import { bench as protect } from './protect.bench.ts'
import { bench as protectInTab } from './protect.browser.bench.ts'
import type { Report } from './resulttable.ts'
import { reportDocument, reportText } from './resulttable.ts'
import { bench as sales } from './sales.bench.ts'
import { bench as setup } from './setup.bench.ts'
import { bench as simulation } from './simulation.bench.ts'
import { bench as upload } from './upload.bench.ts'
import { bench as uploadInTab } from './upload.browser.bench.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PEERS = join(ROOT, 'test/bench/peers')
const CACHE = join(ROOT, 'node_modules/.cache/codex-light')

const BENCHES: readonly { readonly bench: Bench; readonly file: string }[] = [
  { bench: upload, file: 'upload.bench.ts' },
  { bench: blocks, file: 'blocks.bench.ts' },
  { bench: coldstart, file: 'coldstart.bench.ts' },
  { bench: pagesize, file: 'pagesize.bench.ts' },
  { bench: sales, file: 'sales.bench.ts' },
  { bench: simulation, file: 'simulation.bench.ts' },
  { bench: exchange, file: 'exchange.bench.ts' },
  { bench: exchangeGib, file: 'exchangegib.bench.ts' },
  { bench: exchangeBitswap, file: 'exchangebitswap.bench.ts' },
  { bench: exchangeInTab, file: 'exchange.browser.bench.ts' },
  { bench: marketEvents, file: 'marketevents.bench.ts' },
  { bench: marketDuties, file: 'marketduties.bench.ts' },
  { bench: leopard, file: 'leopard.bench.ts' },
  { bench: uploadInTab, file: 'upload.browser.bench.ts' },
  { bench: blocksInTab, file: 'blocks.browser.bench.ts' },
  { bench: leopardInTab, file: 'leopard.browser.bench.ts' },
  { bench: poseidon2, file: 'poseidon2.bench.ts' },
  { bench: poseidon2Scalar, file: 'poseidon2scalar.bench.ts' },
  { bench: poseidon2Twin, file: 'poseidon2twin.bench.ts' },
  { bench: poseidon2Wasmcurves, file: 'poseidon2wasmcurves.bench.ts' },
  { bench: poseidon2InTab, file: 'poseidon2.browser.bench.ts' },
  { bench: poseidon2Workers, file: 'poseidon2workers.bench.ts' },
  { bench: field, file: 'field.bench.ts' },
  { bench: fieldScalar, file: 'fieldscalar.bench.ts' },
  { bench: fieldInTab, file: 'field.browser.bench.ts' },
  { bench: prove, file: 'prove.bench.ts' },
  { bench: proveOneThread, file: 'proveonethread.bench.ts' },
  { bench: proveScalar, file: 'provescalar.bench.ts' },
  { bench: proveInTab, file: 'prove.browser.bench.ts' },
  { bench: provePlain, file: 'proveplain.browser.bench.ts' },
  { bench: proveMemory, file: 'provememory.bench.ts' },
  { bench: setup, file: 'setup.bench.ts' },
  { bench: protect, file: 'protect.bench.ts' },
  { bench: proofInputs, file: 'proofinputs.bench.ts' },
  { bench: protectInTab, file: 'protect.browser.bench.ts' },
]
const QUICK_ROUNDS = 2
const MAX_ROUNDS = 1000

const HELP = `npm run bench [-- NAME... --rounds N --quick --json --folder DIR]
Measures ours and its peer in turn and prints medians, ratios and goals; needs a quiet machine.
NAME      ${BENCHES.map(({ bench }) => bench.name).join(', ')}; all of them by default
--rounds  how often each side is measured
--quick   small sizes and few rounds: to see that it works
--json    one document on stdout
--folder  where data is written meanwhile, 3 GiB of it; on the disk of node_modules by default
Missed goals are shown and do not fail the run.
`

const OPTIONS = {
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  folder: { type: 'string', default: join(CACHE, 'bench') },
} as const

/** @returns the exit code: 0 also when goals were missed, 1 when something could not be measured, 2 for bad arguments */
export async function runBenches(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    const chosen = choose(positionals)
    const rounds = values.rounds === undefined ? undefined : readRounds(values.rounds)
    const report = await measureAll(chosen, { ...values, rounds })
    process.stdout.write(values.json ? `${JSON.stringify(reportDocument(report), null, 2)}\n` : reportText(report))
    return 0
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error))
    return isUsageError(error) ? 2 : 1
  }
}

class UsageError extends Error {}

function isUsageError(error: unknown): boolean {
  if (error instanceof UsageError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

interface Settings {
  readonly quick: boolean
  readonly rounds: number | undefined
  readonly folder: string
}

async function measureAll(chosen: typeof BENCHES, { quick, rounds, folder }: Settings): Promise<Report> {
  const browser = chosen.some(({ bench }) => bench.needsChromium) ? await findChromium() : undefined
  if (chosen.some(({ bench }) => bench.needsPeers)) installPeers()
  mkdirSync(folder, { recursive: true })
  // Gigabytes must not stay behind when someone loses patience.
  process.once('SIGINT', () => process.exit(130))
  const benches: Report['benches'][number][] = []
  for (const { bench, file } of chosen) {
    const place = { root: ROOT, folder: mkdtempSync(join(folder, `${bench.name}-`)), quick }
    const clear = (): void => rmSync(place.folder, { recursive: true, force: true, maxRetries: 3 })
    process.once('exit', clear)
    const times = rounds ?? (quick ? Math.min(QUICK_ROUNDS, bench.rounds) : bench.rounds)
    try {
      tell(`${bench.name}: preparing`)
      const module = await bundleModule(fileURLToPath(new URL(file, import.meta.url)))
      await bench.prepare?.(place)
      const samples = await measureInTurn(bench, module, place, times, tell)
      benches.push({ bench, rounds: times, results: bench.figures.map((figure) => compare(figure, samples)) })
    } finally {
      clear()
      process.off('exit', clear)
    }
  }
  return { machine: machine(browser), date: new Date().toISOString().slice(0, 10), quick, benches }
}

function choose(names: readonly string[]): typeof BENCHES {
  for (const name of names)
    if (!BENCHES.some(({ bench }) => bench.name === name)) throw new UsageError(`no bench is named ${name}\n${HELP}`)
  return names.length === 0 ? BENCHES : BENCHES.filter(({ bench }) => names.includes(bench.name))
}

function readRounds(text: string): number {
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_ROUNDS) return rounds
  throw new UsageError(`--rounds: expected a whole number from 1 to ${MAX_ROUNDS}, found ${text}`)
}

/** Their versions are those of the lock file beside them; the project itself never installs them. */
function installPeers(): void {
  // What npm writes when it is done; a broken-off installation lacks it.
  const installed = join(PEERS, 'node_modules', '.package-lock.json')
  const wanted = join(PEERS, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return
  tell('installing the packages to compare with')
  const { status } = spawnSync('npm', ['ci', '--prefix', PEERS, '--no-audit', '--no-fund'], {
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm ci --prefix ${PEERS} failed: see above`)
}

function tell(progress: string): void {
  process.stderr.write(`${progress}\n`)
}
