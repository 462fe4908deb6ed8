// What the workers of the worker edge's tests can do, the same in both runtimes. Not a child by itself.

import { CodexError } from '../../src/lib/errors.ts'
import { transfer } from '../../src/workers/transfer.ts'

export interface EdgeApi {
  echo(value: unknown): Promise<unknown>
  /** Throws a `CodexError` whose cause is another, whose cause is a plain error. */
  failTyped(): Promise<never>
  failPlain(): Promise<never>
  /** Its answer cannot be cloned. */
  answerFunction(): Promise<unknown>
  /** `length` bytes of value `fill`, moved to the caller; `isGone` of the last ones says whether they left this thread. */
  makeBytes(length: number, fill: number): Promise<Uint8Array>
  isGone(): Promise<boolean>
  sum(bytes: Uint8Array): Promise<number>
  /** Never answers. */
  hang(): Promise<never>
  /** Fails outside of any call, a moment later. */
  crash(): Promise<void>
}

let last = new Uint8Array(0)

export const edgeApi: EdgeApi = {
  echo: async (value) => value,
  failTyped: async () => {
    const root = new TypeError('the root')
    const middle = new CodexError('inner/broken', 'the middle', { detail: { size: 2n ** 70n }, cause: root })
    throw new CodexError('outer/broken', 'the outside', {
      detail: { wei: 12345678901234567890n, name: 'x' },
      cause: middle,
    })
  },
  failPlain: async () => {
    throw new RangeError('out of range')
  },
  answerFunction: async () => () => 1,
  makeBytes: async (length, fill) => {
    last = new Uint8Array(length).fill(fill)
    return transfer(last, [last.buffer])
  },
  isGone: async () => last.byteLength === 0,
  sum: async (bytes) => bytes.reduce((total, byte) => total + byte, 0),
  hang: () => new Promise<never>(() => {}),
  crash: async () => {
    setTimeout(() => {
      throw new Error('crashed on purpose')
    })
  },
}
