// The door every call on a slab file goes through: it counts calls for `close`, checks places, and gives foreign errors their typed names.

import { CodexError, assert } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { SlabPiece, SlabRange } from './slabfile.ts'
import { VerbGate } from './verbgate.ts'

export type SlabVerb = 'read' | 'write' | 'flush' | 'size' | 'truncate' | 'close'

export class SlabGate {
  readonly #calls = new VerbGate()
  readonly #isFull: (error: unknown) => boolean

  /** @param isFull whether a platform's error says that disk or quota is used up */
  constructor(isFull: (error: unknown) => boolean) {
    this.#isFull = isFull
  }

  /** Runs `call` at once. @throws CodexError `slab/closed`, `slab/full`, `slab/failed` with the platform's error as its cause */
  async run<T>(verb: SlabVerb, call: () => Promise<T>): Promise<T> {
    if (this.#calls.closed)
      throw new CodexError('slab/closed', 'expected an open slab file, found it closed; open it again', {
        detail: { verb },
      })
    return this.#calls.run(() => this.#named(verb, call))
  }

  /** Refuses new calls, waits for those inside, then runs `release`, once: later calls share the first one's promise. */
  close(release: () => Promise<void>): Promise<void> {
    return this.#calls.close(() => this.#named('close', release))
  }

  async #named<T>(verb: SlabVerb, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      throw this.#isFull(cause) ? slabFull(verb, cause) : slabFailed(verb, cause)
    }
  }
}

/** Already typed errors and breaches of our own claims stay what they are. */
function slabFailed(verb: SlabVerb, cause: unknown): unknown {
  if (cause instanceof Error && cause.name === 'AssertionError') return cause
  if (CodexError.is(cause) && cause.code.startsWith('slab/')) return cause
  const found = cause instanceof Error ? cause.message : String(cause)
  return new CodexError('slab/failed', `expected ${verb} on the slab file to succeed, found: ${found}`, {
    detail: { verb, found },
    cause,
  })
}

export function slabFull(verb: SlabVerb, cause?: unknown): CodexError<'slab/full'> {
  return new CodexError(
    'slab/full',
    `no room for ${verb} on the slab file: the disk or its quota is full; free some space`,
    {
      detail: { verb },
      cause,
    },
  )
}

/** States that a call names whole, non-negative places below 2^53. */
export function assertRanges(ranges: readonly SlabRange[]): void {
  for (const { offset, length } of ranges) assertPlace(offset, length)
}

/** As {@link assertRanges}, for bytes to write. */
export function assertPieces(pieces: readonly SlabPiece[]): void {
  for (const { offset, bytes } of pieces) assertPlace(offset, bytes.length)
}

export function assertPlace(offset: Bytes, length: Bytes): void {
  assert(
    Number.isSafeInteger(offset) &&
      offset >= 0 &&
      Number.isSafeInteger(length) &&
      length >= 0 &&
      Number.isSafeInteger(offset + length),
    `a place in a slab file is whole bytes from 0 to 2^53 - 1, found offset ${offset} and length ${length}`,
  )
}
