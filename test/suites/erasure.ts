// The laws of the Erasure seam. Run against every implementation; the slow twin says what is right.

import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { Erasure, ErasurePattern } from '../../src/erasure/erasure.ts'
import { leopardTwin } from '../../wasm/leopard/leopardtwin.ts'
import { expectAllBytes } from '../fakes/expectbytes.ts'
import { noise, pick } from '../wasm/leoparddata.ts'

const { signal } = new AbortController()
const options = { signal, rank: 'background' } as const

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** @param make the implementation, the same one each time if it likes */
export function erasureSuite(name: string, make: () => Erasure): void {
  describe(`${name} as an Erasure`, () => {
    rows(make)
    lending(make)
    refusals(make)
  })
}

/** All rows of each of `steps` code words. */
function codeWords(k: number, m: number, steps: number, bytes: number): Uint8Array[][] {
  return range(0, steps).map((step) => {
    const data = noise(k, bytes, 31 * step + k + m + 1)
    return [...data, ...leopardTwin.encode(data, m)]
  })
}

async function expectRows(erasure: Erasure, words: Uint8Array[][], pattern: ErasurePattern): Promise<void> {
  const steps = words.map((word) => pattern.given.map((row) => word[row] as Uint8Array))
  const computed = await erasure.compute(pattern, steps, options)
  expect(computed.map(({ length }) => length)).toEqual(words.map(() => pattern.wanted.length))
  expectAllBytes(
    computed.flat(),
    words.flatMap((word) => pattern.wanted.map((row) => word[row])),
  )
}

function rows(make: () => Erasure): void {
  test.each([
    [1, 1, 64],
    [1, 0, 64],
    [2, 1, 128],
    [3, 2, 192],
    [5, 5, 64],
    [4, 0, 64],
    [30, 9, 64],
    [128, 128, 64],
    [200, 56, 64],
    [255, 1, 64],
    [3, 2, 65_536],
  ])('%i and %i rows of %i bytes: parity, then any K rows give all others', async (k, m, bytes) => {
    const words = codeWords(k, m, bytes > 1000 ? 1 : 3, bytes)
    const code = { dataCount: k, parityCount: m }
    await expectRows(make(), words, { ...code, given: range(0, k), wanted: range(k, k + m) })
    const isGone = new Set(range(0, m).map((i) => pick(k + m, 7 * i + k)))
    const given = range(0, k + m)
      .filter((row) => !isGone.has(row))
      .slice(0, k)
    const wanted = range(0, k + m).filter((row) => !given.includes(row))
    await expectRows(make(), words, { ...code, given, wanted })
    await expectRows(make(), words, { ...code, given: range(m, k + m), wanted: range(0, m).reverse() })
    if (m > 0) await expectRows(make(), words, { ...code, given: range(m, k + m), wanted: [0] })
  })

  test('many steps, many patterns in turn', async () => {
    const words = codeWords(3, 2, 100, 64)
    for (const given of [
      [0, 1, 2],
      [0, 1, 3],
      [0, 1, 4],
      [0, 2, 3],
      [1, 2, 3],
      [1, 3, 4],
      [2, 3, 4],
      [0, 3, 4],
      [1, 2, 4],
      [0, 1, 2],
    ])
      await expectRows(make(), words, {
        dataCount: 3,
        parityCount: 2,
        given,
        wanted: range(0, 5).filter((row) => !given.includes(row)),
      })
  })

  test('more steps than one job takes, at the same time as others', async () => {
    const words = codeWords(2, 2, 2, 65_536)
    const many = range(0, 130).map((i) => words[i % 2] as Uint8Array[])
    const code = { dataCount: 2, parityCount: 2 }
    await Promise.all([
      expectRows(make(), many, { ...code, given: [0, 1], wanted: [2, 3] }),
      expectRows(make(), many, { ...code, given: [1, 3], wanted: [0] }),
    ])
  })

  test('no steps, and nothing wanted', async () => {
    const pattern = { dataCount: 2, parityCount: 1, given: [0, 1], wanted: [2] }
    expect(await make().compute(pattern, [], options)).toEqual([])
    const words = codeWords(2, 1, 2, 64)
    await expectRows(make(), words, { ...pattern, wanted: [] })
  })
}

function lending(make: () => Erasure): void {
  test('blocks are lent: views respected, in shared memory or not, unchanged and not detached', async () => {
    const [inOne = new Uint8Array()] = noise(1, 1000, 3)
    const shared = new Uint8Array(new SharedArrayBuffer(1000))
    shared.set(inOne)
    for (const whole of [inOne, shared]) {
      const before = whole.slice()
      const step = [whole.subarray(3, 67), whole.subarray(500, 564)]
      const [computed] = await make().compute(
        { dataCount: 2, parityCount: 2, given: [0, 1], wanted: [2, 3] },
        [step],
        options,
      )
      expect(computed).toEqual(leopardTwin.encode(step, 2))
      expect(whole).toEqual(before)
    }
  })
}

function refusals(make: () => Erasure): void {
  const good = { dataCount: 2, parityCount: 1, given: [0, 1], wanted: [2] }
  const block = new Uint8Array(64)

  test.each([
    ['no data', { ...good, dataCount: 0, given: [], wanted: [] }, 'erasure/no-data'],
    ['half a row', { ...good, dataCount: 1.5 }, 'erasure/not-a-count'],
    ['more parity than data', { ...good, parityCount: 3 }, 'erasure/more-parity-than-data'],
    ['too many rows', { ...good, dataCount: 65_536 }, 'erasure/too-many-rows'],
    ['too few rows given', { ...good, given: [0], wanted: [1] }, 'erasure/too-few-rows'],
    ['more rows given than needed', { ...good, given: [0, 1, 2], wanted: [] }, 'erasure/bad-pattern'],
    ['rows in disorder', { ...good, given: [1, 0] }, 'erasure/bad-pattern'],
    ['a row given twice', { ...good, given: [0, 0] }, 'erasure/too-few-rows'],
    ['a row wanted twice', { ...good, wanted: [2, 2] }, 'erasure/bad-pattern'],
    ['a row wanted that is given', { ...good, wanted: [1] }, 'erasure/row-not-missing'],
    ['a row that no code has', { ...good, wanted: [3] }, 'erasure/no-such-row'],
    ['no lists', { ...good, given: 2 as never }, 'erasure/bad-pattern'],
  ] as const)('%s, with steps and without', async (_, pattern, code) => {
    const step = Array.isArray(pattern.given) ? pattern.given.map(() => block) : []
    for (const steps of [[], [step]]) {
      const error = await make()
        .compute(pattern, steps, options)
        .catch((cause: unknown) => cause)
      expect(CodexError.is(error, code), String(error)).toBe(true)
    }
  })

  test.each([
    ['a block missing', [block, block], [block], 'erasure/wrong-rows', { step: 1 }],
    [
      'blocks of two sizes',
      [block, block],
      [block, new Uint8Array(128)],
      'erasure/unequal-blocks',
      { step: 1, row: 1 },
    ],
    ['no block', [block, block], [undefined as never, block], 'erasure/unequal-blocks', { step: 1, row: 0 }],
    [
      'blocks of odd sizes',
      [new Uint8Array(63), new Uint8Array(63)],
      [new Uint8Array(63), new Uint8Array(63)],
      'erasure/not-whole-groups',
      {},
    ],
    [
      'empty blocks',
      [new Uint8Array(0), new Uint8Array(0)],
      [new Uint8Array(0), new Uint8Array(0)],
      'erasure/not-whole-groups',
      {},
    ],
  ])('%s', async (_, first, second, code, detail) => {
    const error = await make()
      .compute(good, [first, second], options)
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code, detail })
  })

  test('whatever is aborted, with the reason', async () => {
    const reason = new Error('changed my mind')
    const given = { signal: AbortSignal.abort(reason), rank: 'duty' } as const
    await expect(make().compute(good, [[block, block]], given)).rejects.toBe(reason)
  })
}
