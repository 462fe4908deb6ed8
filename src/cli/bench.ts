// bench --prove: the prover meter. How long this machine takes for a proof, where the time goes, and how many slots it could keep.

import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatDuration } from '../lib/format.ts'
import { openProving, type Proving } from '../nodejs.ts'
import { safeSlots } from '../protocol/safeslots.ts'
import { CIRCUIT_OPTIONS, type FoundCircuit, findCircuit } from './circuitfiles.ts'
import { choice, count, duration, flag, required } from './option.ts'
import { table } from './table.ts'
import { type Call, defineVerb } from './verb.ts'

type Prover = Awaited<ReturnType<Proving['createProver']>>
type ProofInputs = Parameters<Prover['prove']>[0]
type Stage = Parameters<NonNullable<Parameters<Prover['prove']>[1]['progress']>>[0]['stage']
const ENGINES = ['wasm', 'snarkjs'] as const
type Engine = (typeof ENGINES)[number]

export interface Measured {
  /** Of a proof with the prover warm, the median. */
  readonly seconds: number
  /** Busy seconds of all threads together, by stage, of that proof. */
  readonly stages: Readonly<Partial<Record<Stage, number>>>
  /** The process's memory at its highest until its first proof was made, above what it was before. */
  readonly peakBytes: number
}

const DEFAULT_PERIOD_SECONDS = 120
const DEFAULT_ROUNDS = 3
const SAMPLE_MS = 10

export const bench = defineVerb({
  about: `Measures proving on this machine: ours and, to compare, snarkjs with the same key and inputs, in turns, the median of some proofs after a first one.
--threads is for ours: snarkjs always uses every core, but for 1, which keeps it to one. "Safe for N slots" leaves half of each period free.`,
  options: {
    prove: required(flag('measure proving; there is nothing else to measure yet')),
    period: duration(`of proofs; ${formatDuration(DEFAULT_PERIOD_SECONDS)} without it`),
    rounds: count(`proofs that are measured; ${DEFAULT_ROUNDS} without it`),
    threads: count('of ours; as many as this machine runs at once without it'),
    engine: choice(['wasm', 'snarkjs', 'both'], 'what to measure; both without it'),
    circuit: CIRCUIT_OPTIONS.circuit,
  },
  examples: ['codex-light bench --prove --period 2m'],
  document: `{ ours: { seconds, stages: { NAME: seconds of all threads }, peakBytes } or null, snarkjs: the same or null, threads, variant (of the
kernel), safe: { slots, periodSeconds } or null, developmentOnly (whether anybody could forge proofs for the key) }`,
  async run(options, call) {
    if (!options.prove) throw new CodexError('cli/bad-option', 'expected --prove')
    const proving = await openProving()
    const circuit = await findCircuit(proving, { circuit: options.circuit, size: 'full' }, call)
    const inputs = await proving.sampleInputs(call)
    const { engine = 'both', rounds = DEFAULT_ROUNDS, period = DEFAULT_PERIOD_SECONDS } = options
    const threads = options.threads ?? proving.threads
    const engines = engine === 'both' ? ENGINES : [engine]
    const measured = await measure(proving, circuit, inputs, { engines, threads, rounds }, call)
    const { wasm: ours = null, snarkjs = null } = measured
    const { developmentMark } = await proving.describeKey(circuit.files.zkey, call)
    const safe = ours && { slots: safeSlots(ours.seconds, period), periodSeconds: period }
    const variant = await proving.kernelVariant()
    const answer = { ours, snarkjs, threads, variant, safe, developmentOnly: developmentMark !== undefined }
    await call.terminal.answer(answer, asText(answer))
    return undefined
  },
})

/** A first proof of each, which counts for memory, then rounds of one proof by each: what disturbs this machine meanwhile disturbs all. */
async function measure(
  proving: Proving,
  { files }: FoundCircuit,
  inputs: ProofInputs,
  asked: { readonly engines: readonly Engine[]; readonly threads: number; readonly rounds: number },
  { terminal, signal }: Call,
): Promise<Partial<Record<Engine, Measured>>> {
  const { engines, threads, rounds } = asked
  const open: Opened[] = []
  try {
    return await terminal.progress({ label: 'measuring' }, async (advance) => {
      const tell = (engine: Engine, proof: number): void =>
        advance(0, { label: `measuring ${engine}, proof ${proof} of ${rounds + 1}`, totalBytes: undefined })
      for (const engine of engines) {
        tell(engine, 1)
        const memory = watchMemory()
        try {
          const prover = await proving.createProver({ circuit: files, engine, threads, signal })
          const opened: Opened = { engine, prover, peakBytes: 0, times: [] }
          open.push(opened)
          await timed(prover, inputs, signal)
          opened.peakBytes = memory.peakBytes()
        } finally {
          memory.stop()
        }
      }
      for (let round = 1; round <= rounds; round++)
        for (const { engine, prover, times } of open) {
          tell(engine, round + 1)
          times.push(await timed(prover, inputs, signal))
        }
      return Object.fromEntries(open.map(({ engine, peakBytes, times }) => [engine, { ...median(times), peakBytes }]))
    })
  } finally {
    for (const { prover } of open) await prover.close()
  }
}

interface Opened {
  readonly engine: Engine
  readonly prover: Prover
  peakBytes: number
  readonly times: Time[]
}

interface Time {
  readonly seconds: number
  readonly stages: Measured['stages']
}

function median(times: readonly Time[]): Time {
  const sorted = [...times].sort((a, b) => a.seconds - b.seconds)
  return sorted[Math.floor(sorted.length / 2)] ?? { seconds: 0, stages: {} }
}

/** Of the process, above what it has now. */
function watchMemory(): { readonly peakBytes: () => number; readonly stop: () => void } {
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS)
  return { peakBytes: () => peak - before, stop: () => clearInterval(timer) }
}

async function timed(prover: Prover, inputs: ProofInputs, signal: AbortSignal): Promise<Time> {
  const startMs = performance.now()
  const begun = new Map<string, number>()
  const stages: Partial<Record<Stage, number>> = {}
  await prover.prove(inputs, {
    signal,
    rank: 'duty',
    progress: ({ stage, state, part }) => {
      const nowMs = performance.now()
      if (state === 'begun') begun.set(`${stage} ${part}`, nowMs)
      else stages[stage] = (stages[stage] ?? 0) + (nowMs - (begun.get(`${stage} ${part}`) ?? nowMs)) / 1000
    },
  })
  return { seconds: (performance.now() - startMs) / 1000, stages }
}

interface Answer {
  readonly ours: Measured | null
  readonly snarkjs: Measured | null
  readonly threads: number
  readonly variant: string
  readonly safe: { readonly slots: number; readonly periodSeconds: number } | null
  readonly developmentOnly: boolean
}

function asText({ ours, snarkjs, threads, variant, safe, developmentOnly }: Answer): string {
  const rows = [
    ['ours', ours],
    ['snarkjs', snarkjs],
  ] as const
  const lines = rows.flatMap(([name, measured]) =>
    measured === null ? [] : [[name, `${measured.seconds.toFixed(2)} s`, formatBytes(Math.max(0, measured.peakBytes))]],
  )
  const stages = Object.entries(ours?.stages ?? {}).map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`)
  const ratio = ours && snarkjs ? [`${(snarkjs.seconds / ours.seconds).toFixed(1)} times as fast as snarkjs`] : []
  return [
    table([['engine', 'a proof', 'memory above idle'], ...lines]),
    `${threads} thread${threads === 1 ? '' : 's'}, kernel ${variant}${snarkjs && threads > 1 ? '; snarkjs on every core' : ''}`,
    ...(developmentOnly ? ['with a proving key for development only: anybody can forge proofs for it'] : []),
    ...(stages.length === 0 ? [] : [`seconds by stage, all threads together: ${stages.join(', ')}`]),
    ...ratio,
    ...(safe === null ? [] : [`safe for ${safe.slots} slots at a period of ${formatDuration(safe.periodSeconds)}`]),
  ].join('\n')
}
