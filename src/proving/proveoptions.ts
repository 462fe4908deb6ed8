// What callers of a prover say of one proof, looked at before anything is begun.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { RANKS } from '../workers/rankqueue.ts'
import type { ProveOptions } from './prover.ts'

/** @throws CodexError `proving/bad-options`, with the field */
export function checkedProveOptions(options: unknown): ProveOptions {
  if (typeof options !== 'object' || options === null) throw badOption('options', '{ signal, rank }', options)
  const { signal, rank, progress } = options as Partial<Record<keyof ProveOptions, unknown>>
  checkSignal(signal)
  if (!(RANKS as readonly unknown[]).includes(rank)) throw badOption('rank', RANKS.join(' or '), rank)
  if (progress !== undefined && typeof progress !== 'function') throw badOption('progress', 'a function', progress)
  return options as ProveOptions
}

/** Signals of other realms are signals too. @throws CodexError `proving/bad-options` */
export function checkSignal(signal: unknown): void {
  const isSignal =
    typeof signal === 'object' && signal !== null && 'throwIfAborted' in signal && 'addEventListener' in signal
  if (!isSignal) throw badOption('signal', 'an AbortSignal', signal)
}

export function badOption(field: string, expected: string, found: unknown): CodexError {
  return new CodexError('proving/bad-options', `${field}: expected ${expected}, found ${describeValue(found)}`, {
    detail: { field },
  })
}
