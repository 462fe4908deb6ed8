// What every decoder must survive: random bytes, damaged valid ones, and lengths that lie. States the bound on what a decoder may allocate.

import fc from 'fast-check'
import { expect } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'

/** Bytes of typed arrays a decoder may allocate for each byte of input, in all, and beside that. */
const ALLOCATED_PER_INPUT_BYTE = 16
const ALLOCATED_BASE_BYTES = 4096

/** Runs `decode` on random inputs and on mutations of `samples`: only `CodexError`s may come out, and little memory may go in. */
export function survives(decode: (bytes: Uint8Array) => unknown, samples: readonly Uint8Array[], numRuns = 400): void {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutationOf(samples), lyingLengths(samples)), (bytes) => {
      refusesOrReads(decode, bytes)
    }),
    { numRuns },
  )
  for (const sample of samples)
    for (let length = 0; length < Math.min(sample.length, 400); length++)
      refusesOrReads(decode, sample.subarray(0, length))
}

function refusesOrReads(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  const allocated = allocatedBytes(() => {
    try {
      decode(bytes)
    } catch (error) {
      if (!CodexError.is(error)) throw error
      expect(error.code).toMatch(/^[a-z]+\/[a-z0-9-]+$/)
    }
  })
  expect(allocated).toBeLessThanOrEqual(ALLOCATED_BASE_BYTES + ALLOCATED_PER_INPUT_BYTE * bytes.length)
}

/** Bit flips, cuts, insertions and repetitions, up to four of them. */
export function mutationOf(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    kind: fc.constantFrom('flip', 'cut', 'insert', 'repeat', 'truncate'),
    at: fc.nat(0xffff),
    length: fc.integer({ min: 1, max: 48 }),
    byte: fc.integer({ min: 1, max: 255 }),
  })
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([sample, edits]) => {
      let bytes = [...sample]
      for (const { kind, at, length, byte } of edits) {
        const where = bytes.length === 0 ? 0 : at % bytes.length
        if (kind === 'flip') bytes[where] = (bytes[where] ?? 0) ^ byte
        else if (kind === 'cut') bytes.splice(where, length)
        else if (kind === 'insert') bytes.splice(where, 0, ...new Array<number>(length).fill(byte))
        else if (kind === 'repeat') bytes.splice(where, 0, ...bytes.slice(where, where + length))
        else bytes = bytes.slice(0, where)
      }
      return Uint8Array.from(bytes)
    })
}

/** A huge number written over some place of a valid encoding, where a length may have stood. */
function lyingLengths(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const huge = fc.constantFrom(
    [0xff, 0xff, 0xff, 0x7f],
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  )
  return fc.tuple(fc.constantFrom(...samples), fc.nat(0xffff), huge).map(([sample, at, number]) => {
    const where = at % (sample.length + 1)
    return Uint8Array.from([...sample.subarray(0, where), ...number, ...sample.subarray(where + 1)])
  })
}

/** Bytes asked of typed arrays and buffers while `run` runs, all together, freed or not. */
export function allocatedBytes(run: () => void): number {
  let total = 0
  const counted = <T extends object>(type: T, bytesPerItem: number): T =>
    new Proxy(type, {
      construct(target, args, newTarget) {
        const first: unknown = args[0]
        if (typeof first === 'number') total += first * bytesPerItem
        else if (Array.isArray(first) || (ArrayBuffer.isView(first) && 'length' in first))
          total += Number(first.length) * bytesPerItem
        return Reflect.construct(target as never, args, newTarget) as object
      },
    })
  const { Uint8Array: bytes, ArrayBuffer: buffer } = globalThis
  globalThis.Uint8Array = counted(bytes, 1)
  globalThis.ArrayBuffer = counted(buffer, 1)
  try {
    run()
  } finally {
    globalThis.Uint8Array = bytes
    globalThis.ArrayBuffer = buffer
  }
  return total
}
