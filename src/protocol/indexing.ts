// Which block indices belong together: to a code word, to a slot. Numbers only; nothing here knows a block.

import { describeValue } from '../lib/describevalue.ts'
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
  /** Distance between the pad indices of one iteration; above 0 when there are any. 0 when left out or null. */
  readonly groupCount?: number | null | undefined
  /** Indices beyond the range that are added to each iteration, only to keep positions. 0 when left out or null. */
  readonly padBlockCount?: number | null | undefined
}

/**
 * Indices that one call gives, padding included: the blocks of 1 TiB in one slot. The list then takes 128 MiB, at 8 bytes each; a range
 * of more is cut into more iterations.
 */
export const MAX_INDICES = 2 ** 24

/**
 * The indices of part `iteration`, which counts from 0; empty when the earlier parts used the range up. At most {@link MAX_INDICES},
 * however large the range.
 * @throws CodexError `indexing/unknown-strategy`, `indexing/not-a-range`, `indexing/not-a-whole-number`, `indexing/first-after-last`,
 * `indexing/no-iterations`, `indexing/iteration-out-of-range`, `indexing/negative-padding`, `indexing/padding-without-groups`, `indexing/too-many`,
 * `indexing/overflow`
 */
export function indices(strategy: Strategy, range: IndexRange, iteration: number): number[] {
  if (strategy !== 'linear' && strategy !== 'stepped')
    throw refusal('unknown-strategy', `'linear' or 'stepped', found ${describeValue(strategy)}`, {
      found: describeValue(strategy),
    })
  const { firstIndex, lastIndex, iterations, groupCount, padBlockCount, part } = checkedNumbers(range, iteration)
  const width = lastIndex - firstIndex + 1
  const step = Math.ceil(width / iterations)
  const first = firstIndex + (strategy === 'linear' ? part * step : part)
  const stride = strategy === 'linear' ? 1 : iterations
  const last = strategy === 'linear' ? Math.min(first + step - 1, lastIndex) : lastIndex
  const count = first > last ? 0 : Math.floor((last - first) / stride) + 1
  if (count + padBlockCount > MAX_INDICES)
    throw refusal('too-many', `at most ${MAX_INDICES} indices in one iteration, found ${count + padBlockCount}`, {
      limit: MAX_INDICES,
      found: count + padBlockCount,
    })
  const firstPad = lastIndex + part + 1
  if (padBlockCount > 0 && !Number.isSafeInteger(firstPad + (padBlockCount - 1) * groupCount))
    throw refusal('overflow', 'pad indices below 2^53, found larger ones', { lastIndex, groupCount, padBlockCount })
  // Made in full length, because a list that grows takes up to twice as much while it does.
  const found = new Array<number>(count + padBlockCount)
  for (let i = 0; i < count; i++) found[i] = first + i * stride
  for (let i = 0; i < padBlockCount; i++) found[count + i] = firstPad + i * groupCount
  return found
}

type RangeNumbers = { readonly [Name in keyof IndexRange]-?: number } & { readonly part: number }

function checkedNumbers(range: IndexRange, iteration: number): RangeNumbers {
  if (typeof range !== 'object' || range === null)
    throw refusal(
      'not-a-range',
      `an object with firstIndex, lastIndex and iterations, found ${describeValue(range)}`,
      {},
    )
  const numbers = {
    firstIndex: wholeNumber(range.firstIndex, 'firstIndex'),
    lastIndex: wholeNumber(range.lastIndex, 'lastIndex'),
    iterations: wholeNumber(range.iterations, 'iterations'),
    groupCount: wholeNumber(range.groupCount ?? 0, 'groupCount'),
    padBlockCount: wholeNumber(range.padBlockCount ?? 0, 'padBlockCount'),
    part: wholeNumber(iteration, 'iteration'),
  }
  checkBounds(numbers)
  return numbers
}

function wholeNumber(value: number, what: string): number {
  if (!Number.isSafeInteger(value))
    throw refusal('not-a-whole-number', `${what} to be a whole number below 2^53, found ${describeValue(value)}`, {
      what,
    })
  return value + 0 // Turns -0 into 0.
}

function checkBounds({ firstIndex, lastIndex, iterations, groupCount, padBlockCount, part }: RangeNumbers): void {
  if (firstIndex < 0)
    throw refusal('not-a-whole-number', `firstIndex from 0, found ${firstIndex}`, { what: 'firstIndex' })
  if (firstIndex > lastIndex)
    throw refusal('first-after-last', `firstIndex up to ${lastIndex}, found ${firstIndex}`, { firstIndex, lastIndex })
  if (iterations <= 0) throw refusal('no-iterations', `at least one iteration, found ${iterations}`, { iterations })
  if (part < 0 || part >= iterations)
    throw refusal('iteration-out-of-range', `iteration from 0 to ${iterations - 1}, found ${part}`, {
      iterations,
      iteration: part,
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
