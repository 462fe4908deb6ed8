// Which block indices belong together: to a code word, to a slot. Numbers only; nothing here knows a block.

import { CodexError } from '../lib/errors.ts'

/** `linear` takes neighbours, `stepped` takes every n-th. */
export type Strategy = 'linear' | 'stepped'

/** Data reference §6. All are whole numbers below 2^53. */
export interface IndexRange {
  readonly firstIndex: number
  /** Belongs to the range. */
  readonly lastIndex: number
  /** Parts the range is cut into. */
  readonly iterations: number
  /** Distance between the pad indices of one iteration; above 0 when there are any. 0 when left out. */
  readonly groupCount?: number
  /** Indices beyond the range that are added to each iteration, only to keep positions. 0 when left out. */
  readonly padBlockCount?: number
}

/** Indices that one call gives: the blocks of 256 GiB. */
export const MAX_INDICES = 2 ** 22

/**
 * The indices of part `iteration`, which counts from 0; empty when the earlier parts used the range up.
 * @throws CodexError `indexing/unknown-strategy`, `indexing/not-a-whole-number`, `indexing/first-after-last`, `indexing/no-iterations`,
 * `indexing/iteration-out-of-range`, `indexing/negative-padding`, `indexing/padding-without-groups`, `indexing/too-many`,
 * `indexing/overflow`
 */
export function indices(strategy: Strategy, range: IndexRange, iteration: number): number[] {
  const { firstIndex, lastIndex, iterations, groupCount = 0, padBlockCount = 0 } = range
  check(strategy, { firstIndex, lastIndex, iterations, groupCount, padBlockCount }, iteration)
  const width = lastIndex - firstIndex + 1
  const step = Math.ceil(width / iterations)
  const first = firstIndex + (strategy === 'linear' ? iteration * step : iteration)
  const stride = strategy === 'linear' ? 1 : iterations
  const last = strategy === 'linear' ? Math.min(first + step - 1, lastIndex) : lastIndex
  const count = first > last ? 0 : Math.floor((last - first) / stride) + 1
  if (count + padBlockCount > MAX_INDICES)
    throw refusal('too-many', `at most ${MAX_INDICES} indices in one iteration, found ${count + padBlockCount}`, {
      limit: MAX_INDICES,
      found: count + padBlockCount,
    })
  const firstPad = lastIndex + iteration + 1
  if (padBlockCount > 0 && !Number.isSafeInteger(firstPad + (padBlockCount - 1) * groupCount))
    throw refusal('overflow', 'pad indices below 2^53, found larger ones', { lastIndex, groupCount, padBlockCount })
  const found: number[] = []
  for (let i = 0; i < count; i++) found.push(first + i * stride)
  for (let i = 0; i < padBlockCount; i++) found.push(firstPad + i * groupCount)
  return found
}

function check(strategy: Strategy, range: Required<IndexRange>, iteration: number): void {
  if (strategy !== 'linear' && strategy !== 'stepped')
    throw refusal('unknown-strategy', `'linear' or 'stepped', found ${String(strategy)}`, { found: String(strategy) })
  for (const [what, value] of Object.entries({ ...range, iteration }))
    if (!Number.isSafeInteger(value))
      throw refusal('not-a-whole-number', `${what} to be a whole number below 2^53, found ${String(value)}`, { what })
  const { firstIndex, lastIndex, iterations, groupCount, padBlockCount } = range
  if (firstIndex < 0)
    throw refusal('not-a-whole-number', `firstIndex from 0, found ${firstIndex}`, { what: 'firstIndex' })
  if (firstIndex > lastIndex)
    throw refusal('first-after-last', `firstIndex up to ${lastIndex}, found ${firstIndex}`, { firstIndex, lastIndex })
  if (iterations <= 0) throw refusal('no-iterations', `at least one iteration, found ${iterations}`, { iterations })
  if (iteration < 0 || iteration >= iterations)
    throw refusal('iteration-out-of-range', `iteration from 0 to ${iterations - 1}, found ${iteration}`, {
      iterations,
      iteration,
    })
  if (padBlockCount < 0)
    throw refusal('negative-padding', `padBlockCount from 0, found ${padBlockCount}`, { padBlockCount })
  if (padBlockCount > 0 && groupCount <= 0)
    throw refusal('padding-without-groups', `groupCount above 0 when padding, found ${groupCount}`, {
      groupCount,
      padBlockCount,
    })
}

function refusal(what: string, expectation: string, detail: Readonly<Record<string, string | number>>): CodexError {
  return new CodexError(`indexing/${what}`, `expected ${expectation}`, { detail })
}
