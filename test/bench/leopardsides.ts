// Erasure coding on one core, beside copying the same input in memory. The same in Node and in a page.

import { KiB, MiB } from '../../src/lib/units.ts'
import { loadLeopard } from '../../wasm/leopard/loadleopard.ts'
import type { RowCoder } from '../../wasm/leopard/rowcoder.ts'
import type { Figure, Sample, SideName } from './harness.ts'

const BLOCK_BYTES = 64 * KiB
/** Larger than any cache: blocks of a dataset come from memory. */
const INPUT_BYTES = 192 * MiB
const QUICK_INPUT_BYTES = 24 * MiB
/** Each time is the best of this many: other work on the machine only ever adds to it. */
const ATTEMPTS = 5

interface Code {
  readonly key: string
  readonly title: string
  readonly dataCount: number
  readonly parityCount: number
  /** Rows to compute, by their number; the others are here. */
  readonly wanted: readonly number[]
  readonly goal?: Figure['goal']
}

const CODES: readonly Code[] = [
  {
    ...{ key: 'encode3of5', title: 'encode, 3 of 5', dataCount: 3, parityCount: 2, wanted: [3, 4] },
    goal: { of: 'ratio', atLeast: 0.25 },
  },
  { key: 'decode3of5', title: 'decode two lost, 3 of 5', dataCount: 3, parityCount: 2, wanted: [0, 1] },
  { key: 'repair3of5', title: 'rebuild one row, 3 of 5', dataCount: 3, parityCount: 2, wanted: [0] },
  {
    key: 'encode192of256',
    title: 'encode, 192 of 256, 8 bits',
    dataCount: 192,
    parityCount: 64,
    wanted: from(192, 256),
  },
  { key: 'decode192of256', title: 'decode 64 lost, 192 of 256', dataCount: 192, parityCount: 64, wanted: from(0, 64) },
  {
    key: 'encode200of256',
    title: 'encode, 200 of 256, 16 bits',
    dataCount: 200,
    parityCount: 56,
    wanted: from(200, 256),
  },
  { key: 'decode200of256', title: 'decode 56 lost, 200 of 256', dataCount: 200, parityCount: 56, wanted: from(0, 56) },
  { key: 'repair200of256', title: 'rebuild one row, 200 of 256', dataCount: 200, parityCount: 56, wanted: [0] },
]

export const LEOPARD_FIGURES: readonly Figure[] = CODES.map(({ key, title, goal }) => ({
  ...{ key, title, unit: 'MiB/s' as const },
  ...(goal === undefined ? {} : { goal }),
}))

/** Speeds at which input is read. */
export const leopardSides: Record<SideName, (quick: boolean) => Promise<Sample>> = {
  async ours(quick) {
    const kernel = await loadLeopard()
    const input = blocksOf(quick ? QUICK_INPUT_BYTES : INPUT_BYTES)
    return Object.fromEntries(
      CODES.map(({ key, dataCount, parityCount, wanted }) => {
        const present = from(0, dataCount + parityCount).filter((row) => !wanted.includes(row))
        const coder = kernel.decoder({ dataCount, parityCount, present, wanted })
        return [key, codingSpeed(coder, input)]
      }),
    )
  },

  async peer(quick) {
    const input = blocksOf(quick ? QUICK_INPUT_BYTES : INPUT_BYTES)
    const output = blocksOf(quick ? QUICK_INPUT_BYTES : INPUT_BYTES)
    const speed = best(input.length, () => input.forEach((block, i) => output[i]?.set(block)))
    return Promise.resolve(Object.fromEntries(CODES.map(({ key }) => [key, speed])))
  },
}

function codingSpeed(coder: RowCoder, input: readonly Uint8Array[]): number {
  const steps = Math.floor(input.length / coder.inputs.length)
  const inputs = from(0, steps).map((step) => input.slice(step * coder.inputs.length, (step + 1) * coder.inputs.length))
  const outputs = inputs.map(() => coder.outputs.map(() => new Uint8Array(BLOCK_BYTES).fill(1)))
  return best(steps * coder.inputs.length, () =>
    inputs.forEach((blocks, step) => coder.run(blocks, outputs[step] ?? [])),
  )
}

/** MiB/s over `blocks` blocks. */
function best(blocks: number, work: () => void): number {
  const seconds = from(0, ATTEMPTS).map(() => {
    const begin = performance.now()
    work()
    return (performance.now() - begin) / 1000
  })
  return (blocks * BLOCK_BYTES) / MiB / Math.min(...seconds)
}

/** Every page written to, so that none is still the system's one page of zeros. */
function blocksOf(bytes: number): Uint8Array[] {
  return from(0, bytes / BLOCK_BYTES).map((i) =>
    new Uint8Array(BLOCK_BYTES).map((_, at) => at * 7 + i * 31 + (at >> 8)),
  )
}

function from(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
