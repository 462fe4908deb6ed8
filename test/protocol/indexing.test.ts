import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Strategy } from '../../src/entries/protocol.ts'
import { indices, MAX_INDICES } from '../../src/entries/protocol.ts'
import { CodexError } from '../../src/lib/errors.ts'
import vectors from '../vectors/indexing.json' with { type: 'json' }

describe('indices', () => {
  it.each(vectors.cases)('$strategy $firstIndex..$lastIndex in $iterations, $padBlockCount pads', (vector) => {
    for (const [iteration, expected] of vector.indices.entries())
      expect(indices(vector.strategy as Strategy, vector, iteration)).toEqual(expected)
    expect(vector.indices).toHaveLength(vector.iterations)
  })

  const codes: Readonly<Record<string, string>> = {
    'first index greater than last': 'indexing/first-after-last',
    'iterations must be > 0': 'indexing/no-iterations',
    'iteration out of range': 'indexing/iteration-out-of-range',
    'pad count must be >= 0': 'indexing/negative-padding',
    'group count must be > 0 when padding': 'indexing/padding-without-groups',
  }
  it.each(vectors.errors)('refuses: $error', ({ strategy, error, iteration, ...range }) => {
    expect(() => indices(strategy as Strategy, range as never, iteration ?? 0)).toThrow(
      expect.objectContaining({ name: 'CodexError', code: codes[error] }),
    )
  })

  it('may leave the last linear parts empty', () => {
    const range = { firstIndex: 0, lastIndex: 4, iterations: 4 }
    expect([0, 1, 2, 3].map((i) => indices('linear', range, i))).toEqual([[0, 1], [2, 3], [4], []])
  })

  it.each([
    ['a negative iteration', 'linear', { firstIndex: 0, lastIndex: 4, iterations: 2 }, -1, 'iteration-out-of-range'],
    ['a fraction', 'linear', { firstIndex: 0, lastIndex: 4.5, iterations: 2 }, 0, 'not-a-whole-number'],
    ['no number', 'linear', { firstIndex: 0, lastIndex: Number.NaN, iterations: 2 }, 0, 'not-a-whole-number'],
    ['a negative first index', 'linear', { firstIndex: -1, lastIndex: 4, iterations: 2 }, 0, 'not-a-whole-number'],
    ['another strategy', 'zigzag', { firstIndex: 0, lastIndex: 4, iterations: 2 }, 0, 'unknown-strategy'],
    ['too many', 'linear', { firstIndex: 0, lastIndex: MAX_INDICES, iterations: 1 }, 0, 'too-many'],
    ['far too many', 'stepped', { firstIndex: 0, lastIndex: 2 ** 53 - 1, iterations: 3 }, 0, 'too-many'],
    [
      'absurd padding',
      'linear',
      { firstIndex: 0, lastIndex: 1, iterations: 1, groupCount: 1, padBlockCount: 1e15 },
      0,
      'too-many',
    ],
    [
      'pads beyond 2^53',
      'linear',
      { firstIndex: 0, lastIndex: 1, iterations: 1, groupCount: 2 ** 52, padBlockCount: 3 },
      0,
      'overflow',
    ],
  ])('refuses %s', (_, strategy, range, iteration, code) => {
    expect(() => indices(strategy as Strategy, range, iteration)).toThrow(
      expect.objectContaining({ code: `indexing/${code}` }),
    )
  })

  it('gives as many as the limit allows, and takes null for no padding', () => {
    const range = { firstIndex: 0, lastIndex: MAX_INDICES - 1, iterations: 1 }
    const all = indices('linear', range, 0)
    expect([all.length, all[0], all.at(-1)]).toEqual([MAX_INDICES, 0, MAX_INDICES - 1])
    expect(MAX_INDICES).toBeGreaterThan(2 ** 22)
    const small = { firstIndex: 0, lastIndex: 4, iterations: 2 }
    for (const nothing of [null, undefined, 0])
      expect(indices('stepped', { ...small, groupCount: nothing, padBlockCount: nothing }, 1)).toEqual([1, 3])
  })

  it('never answers -0', () => {
    const range = { firstIndex: -0, lastIndex: 4, iterations: 5, groupCount: -0, padBlockCount: -0 }
    for (const strategy of ['linear', 'stepped'] as const) expect(indices(strategy, range, -0)).toEqual([0])
  })

  it.each([undefined, null, 7, 'x'])('refuses %s in place of a range', (range) => {
    expect(() => indices('linear', range as never, 0)).toThrow(
      expect.objectContaining({ code: 'indexing/not-a-range' }),
    )
  })

  it('covers the range exactly once over all iterations', () => {
    const anyRange = fc.record({
      strategy: fc.constantFrom<Strategy>('linear', 'stepped'),
      firstIndex: fc.nat(1000),
      width: fc.integer({ min: 1, max: 300 }),
      iterations: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(anyRange, ({ strategy, firstIndex, width, iterations }) => {
        const range = { firstIndex, lastIndex: firstIndex + width - 1, iterations }
        const all = Array.from({ length: iterations }, (_, i) => indices(strategy, range, i)).flat()
        expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: width }, (_, i) => firstIndex + i))
      }),
    )
  })

  it('throws nothing but typed errors, whatever the numbers', () => {
    const number = fc.oneof(
      fc.integer({ min: -5, max: 50 }),
      fc.double(),
      fc.constantFrom(2 ** 53 - 1, 2 ** 53, -(2 ** 53)),
    )
    const anyRange = fc.record({
      firstIndex: number,
      lastIndex: number,
      iterations: number,
      groupCount: number,
      padBlockCount: number,
    })
    fc.assert(
      fc.property(fc.constantFrom<Strategy>('linear', 'stepped'), anyRange, number, (strategy, range, iteration) => {
        try {
          for (const index of indices(strategy, range, iteration)) expect(Number.isSafeInteger(index)).toBe(true)
        } catch (error) {
          if (!CodexError.is(error)) throw error
        }
      }),
    )
  })
})
