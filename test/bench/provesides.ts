// Proofs of the full circuit by our engine and by snarkjs, with the same key, inputs and threads. The same in Node and in a page.
//
// Ours is a whole proof: witness, sums, blinding, verification. Of snarkjs only its `groth16.prove` is timed, from a witness that is there.

import type { ProofInputs } from '../../src/proving/proofinputs.ts'
import type { Prover, ProofStage } from '../../src/proving/prover.ts'
import { WitnessCalculator } from '../../src/proving/witnesscalculator.ts'
import { encodeWitness } from '../../src/proving/wtns.ts'
import type { Figure, Sample } from './harness.ts'

export interface ProvingFiles {
  readonly wasm: Uint8Array
  readonly zkey: Uint8Array
  readonly inputs: ProofInputs
}

/** Measured after a first one, which warms up; the median is over the bench's rounds, since the other side takes a third of a minute. */
const PROOFS = 1
const MS_PER_MINUTE = 60_000
const MIB = 2 ** 20
/** Of both sides; on one thread they make up a proof. */
export const STAGES = ['quotient', 'a', 'b1', 'b2', 'c', 'h'] as const satisfies readonly ProofStage[]
const OUR_STAGES = ['witness', 'finish'] as const satisfies readonly ProofStage[]

const TITLES: Readonly<Record<(typeof STAGES)[number] | (typeof OUR_STAGES)[number], string>> = {
  witness: 'witness',
  quotient: 'coefficients and transforms',
  a: 'sum A',
  b1: 'sum B1',
  b2: 'sum B2',
  c: 'sum C',
  h: 'sum H',
  finish: 'blinding and verification',
}

export const SPEED: Figure = { key: 'proofsPerMinute', unit: 'proofs/min', title: 'speed' }
/** Of all threads; holds on a busy machine too. Of Node only. */
export const PROCESSOR: Figure = { key: 'processorMs', unit: 'ms', title: 'processor time' }
export const STAGE_FIGURES: readonly Figure[] = [
  ...STAGES.map((stage): Figure => ({ key: stage, unit: 'ms', title: TITLES[stage] })),
  { key: 'witness', unit: 'ms', title: TITLES.witness, goal: { of: 'ours', atMost: 250 } },
  { key: 'finish', unit: 'ms', title: TITLES.finish, goal: { of: 'ours', atMost: 150 } },
]

export async function measureOurs(prover: Prover, inputs: ProofInputs): Promise<Sample> {
  const { signal } = new AbortController()
  const samples: (Record<string, number> & { ms: number })[] = []
  for (let i = 0; i <= PROOFS; i++) {
    const stages = Object.fromEntries([...STAGES, ...OUR_STAGES].map((stage) => [stage, 0])) as Record<string, number>
    const begun = new Map<string, number>()
    const start = performance.now()
    const startCpuMs = processorMs()
    await prover.prove(inputs, {
      signal,
      rank: 'duty',
      progress: ({ stage, state, part }) => {
        const now = performance.now()
        if (state === 'begun') begun.set(`${stage} ${part}`, now)
        else stages[stage] = (stages[stage] ?? 0) + now - (begun.get(`${stage} ${part}`) ?? now)
      },
    })
    if (i > 0) samples.push({ ...stages, ms: performance.now() - start, processorMs: processorMs() - startCpuMs })
  }
  const { ms, ...stages } = median(samples)
  return { ...stages, proofsPerMinute: MS_PER_MINUTE / ms }
}

interface Snarkjs {
  readonly groth16: {
    prove(
      zkey: Uint8Array,
      witness: Uint8Array,
      logger: { debug(text: string): void; info(text: string): void } | undefined,
      options: { readonly singleThread: boolean },
    ): Promise<unknown>
  }
}

/** @param threads 1, or as many as it starts by itself */
export async function measureSnarkjs({ wasm, zkey, inputs }: ProvingFiles, threads: 1 | 'all'): Promise<Sample> {
  const { groth16 } = (await import('snarkjs')) as unknown as Snarkjs
  const witness = encodeWitness(await (await WitnessCalculator.load(wasm)).calculate({ ...inputs }))
  const samples: (Record<string, number> & { ms: number })[] = []
  for (let i = 0; i <= PROOFS; i++) {
    const stages = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<string, number>
    const start = performance.now()
    const startCpuMs = processorMs()
    let stage: string = 'quotient'
    let since = start
    // It says what it begins; time counts for what it said last.
    const debug = (text: string): void => {
      const now = performance.now()
      stages[stage] = (stages[stage] ?? 0) + now - since
      since = now
      stage = /multiexp ([ABCH][12]?)/i.exec(text)?.[1]?.toLowerCase() ?? stage
    }
    await groth16.prove(zkey, witness, { debug, info: debug }, { singleThread: threads === 1 })
    debug('')
    if (i > 0) samples.push({ ...stages, ms: performance.now() - start, processorMs: processorMs() - startCpuMs })
  }
  await (globalThis as { curve_bn128?: { terminate(): Promise<void> } | null }).curve_bn128?.terminate()
  const { ms, ...stages } = median(samples)
  return { ...stages, proofsPerMinute: MS_PER_MINUTE / ms }
}

/** Of this process so far; a page does not know its own. */
function processorMs(): number {
  if ('window' in globalThis) return Number.NaN
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function median<T extends { readonly ms: number }>(samples: readonly T[]): T {
  const sorted = [...samples].sort((a, b) => a.ms - b.ms)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

export function toMib(bytes: number): number {
  return bytes / MIB
}
