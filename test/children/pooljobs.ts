// The jobs of the pool's tests, the same in both runtimes: the example of how a worker's jobs look. Not a child by itself.

import { CodexError } from '../../src/lib/errors.ts'
import type { SlicedJobs } from '../../src/workers/performjobs.ts'
import { transfer } from '../../src/workers/transfer.ts'

export interface PoolJobs {
  echo(value: unknown): Promise<unknown>
  /** `value` squared, in so many slices. */
  square(value: number, slices: number): Promise<number>
  /** Each byte inverted; the answer moves to the caller. */
  invert(bytes: Uint8Array): Promise<Uint8Array>
  /** Whether the last answer of `invert` has left this worker. */
  isGone(): Promise<boolean>
  fill(memory: SharedArrayBuffer, value: number): Promise<void>
  /** What `recall` then finds in this worker and in no other. */
  remember(value: string): Promise<void>
  recall(): Promise<string | undefined>
  failTyped(): Promise<never>
  /** Computes in slices until it is given up. */
  spin(): Promise<never>
  /** Computes without any checkpoint for ever. */
  wedge(): Promise<never>
  /** Fails outside of any call, and so ends the worker. Never answers. */
  crash(): Promise<never>
}

/** One slice: some milliseconds. */
const SLICE_ROUNDS = 4_000_000

let answer = new Uint8Array(0)
let resident: string | undefined

export const poolJobs: SlicedJobs<PoolJobs> = {
  echo: async (_, value) => value,
  square: async (job, value, slices) => {
    for (let slice = 0; slice < slices; slice++) {
      computeSlice()
      await job.checkpoint()
    }
    return value * value
  },
  invert: async (_, bytes) => {
    answer = bytes.map((byte) => 255 - byte)
    return transfer(answer, [answer.buffer])
  },
  isGone: async () => answer.byteLength === 0,
  fill: async (_, memory, value) => void new Uint8Array(memory).fill(value),
  remember: async (_, value) => void (resident = value),
  recall: async () => resident,
  failTyped: async () => {
    throw new CodexError('job/failed', 'on purpose', { detail: { index: 7n } })
  },
  spin: async (job) => {
    for (;;) {
      computeSlice()
      await job.checkpoint()
    }
  },
  wedge: async () => {
    for (;;) computeSlice()
  },
  crash: () => {
    setTimeout(() => {
      throw new Error('crashed on purpose')
    })
    return new Promise<never>(() => {})
  },
}

function computeSlice(): number {
  let state = 1
  for (let round = 0; round < SLICE_ROUNDS; round++) state = (Math.imul(state, 1664525) + 1013904223) | 0
  return state
}
