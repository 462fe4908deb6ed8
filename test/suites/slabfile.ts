// The laws of the SlabFile seam. Run against every implementation and the crashing fake, in the runtimes each lives in.

import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { KiB, MiB } from '../../src/lib/units.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'

/** One place where a file lies. */
export interface SlabPlace {
  /** Opens the file that lies here, an empty one the first time. The suite closes it before it opens it again. */
  open(): Promise<SlabFile>
  remove?(): Promise<void>
}

export interface SlabFileSetup {
  readonly place: () => Promise<SlabPlace>
  /** Random runs of the model test: fewer where each call crosses threads or databases. */
  readonly modelRuns: number
}

export function slabFileSuite(name: string, setup: SlabFileSetup): void {
  describe(`${name} as a SlabFile`, () => {
    const cleanups: (() => Promise<void>)[] = []
    const place = async (): Promise<SlabPlace> => {
      const made = await setup.place()
      const opened: SlabFile[] = []
      cleanups.push(async () => {
        for (const file of opened) await file.close().catch(() => undefined)
        await made.remove?.()
      })
      return {
        open: async () => {
          const file = await made.open()
          opened.push(file)
          return file
        },
      }
    }
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup()
    })
    contents(async () => (await place()).open())
    overlaps(async () => (await place()).open())
    lives(place)
    model(place, setup.modelRuns)
  })
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

async function readOne(file: SlabFile, offset: number, length: number): Promise<Uint8Array> {
  const [bytes] = await file.read([{ offset, length }])
  if (bytes === undefined) throw new Error('expected one array for one range, found none')
  return bytes
}

function contents(open: () => Promise<SlabFile>): void {
  test('an empty file has no bytes', async () => {
    const file = await open()
    expect(await file.size()).toBe(0)
    expect(await file.read([{ offset: 0, length: 10 }])).toEqual([new Uint8Array(0)])
    expect(await file.read([])).toEqual([])
    await file.write([])
    await file.write([{ offset: 5, bytes: new Uint8Array(0) }])
    await file.flush()
    expect(await file.size()).toBe(0)
  })

  test('written bytes are readable at once, before and after a flush', async () => {
    const file = await open()
    const bytes = pattern(100_000)
    await file.write([{ offset: 0, bytes }])
    expectBytes(await readOne(file, 0, bytes.length), bytes)
    await file.flush()
    expectBytes(await readOne(file, 0, bytes.length), bytes)
    expect(await file.size()).toBe(bytes.length)
  })

  test('offsets and lengths need no alignment', async () => {
    const file = await open()
    const bytes = pattern(200_001)
    await file.write([{ offset: 65_531, bytes }])
    await file.flush()
    await file.write([{ offset: 131_000, bytes: pattern(700, 2) }])
    const expected = new Uint8Array(65_531 + bytes.length)
    expected.set(bytes, 65_531)
    expected.set(pattern(700, 2), 131_000)
    expectBytes(await readOne(file, 0, expected.length), expected)
    expectBytes(await readOne(file, 65_530, 70_003), expected.slice(65_530, 65_530 + 70_003))
  })

  test('a gap reads as zeros', async () => {
    const file = await open()
    await file.write([{ offset: 300_000, bytes: new Uint8Array([7]) }])
    await file.write([{ offset: 3, bytes: new Uint8Array([1, 2]) }])
    expect(await file.size()).toBe(300_001)
    const expected = new Uint8Array(300_001)
    expected.set([1, 2], 3)
    expected.set([7], 300_000)
    expectBytes(await readOne(file, 0, 300_001), expected)
  })

  test('ranges are answered in order, cut short where the file ends, each in an array of its own', async () => {
    const file = await open()
    const bytes = pattern(1000)
    await file.write([{ offset: 0, bytes }])
    const ranges = [
      { offset: 990, length: 50 },
      { offset: 0, length: 10 },
      { offset: 1000, length: 1 },
      { offset: 2 ** 40, length: 5 },
      { offset: 10, length: 0 },
      { offset: 5, length: 10 },
      { offset: 15, length: 985 },
    ]
    const answers = await file.read(ranges)
    expectBytes(
      answers,
      ranges.map(({ offset, length }) => bytes.slice(offset, offset + length)),
    )
    for (const answer of answers) answer.fill(0)
    expectBytes(await readOne(file, 0, 1000), bytes)
  })

  test('many pieces go out in one call, neighbours or not', async () => {
    const file = await open()
    const pieces = Array.from({ length: 3000 }, (_, i) => ({
      offset: i * 40 + (i >= 1500 ? 13 : 0),
      bytes: pattern(40, i),
    }))
    await file.write(pieces)
    const answers = await file.read(pieces.map(({ offset, bytes }) => ({ offset, length: bytes.length })))
    expectBytes(
      answers,
      pieces.map(({ bytes }) => bytes),
    )
  })

  test('a group of 8 MiB in blocks, and one piece of 9 MiB', async () => {
    const file = await open()
    const group = Array.from({ length: 128 }, (_, i) => ({ offset: i * 64 * KiB, bytes: pattern(64 * KiB, i) }))
    await file.write(group)
    await file.flush()
    const large = pattern(9 * MiB, 999)
    await file.write([{ offset: 8 * MiB + 1, bytes: large }])
    await file.flush()
    const answers = await file.read(group.map(({ offset }) => ({ offset, length: 64 * KiB })))
    expect(answers.every((answer, i) => isEqual(answer, (group[i] as { bytes: Uint8Array }).bytes))).toBe(true)
    expect(isEqual(await readOne(file, 8 * MiB + 1, 9 * MiB), large)).toBe(true)
  })

  test("the caller's bytes are lent: neither detached nor needed once the call has settled", async () => {
    const file = await open()
    const whole = pattern(3 * 64 * KiB)
    const bytes = whole.subarray(64 * KiB, 2 * 64 * KiB)
    const expected = bytes.slice()
    await file.write([{ offset: 0, bytes }])
    expect(whole.byteLength).toBe(3 * 64 * KiB)
    bytes.fill(0)
    expectBytes(await readOne(file, 0, 64 * KiB), expected)
    await file.flush()
    expectBytes(await readOne(file, 0, 64 * KiB), expected)
  })

  test('truncate shortens, never lengthens, and what was cut off reads as zeros when the file grows again', async () => {
    const file = await open()
    const bytes = pattern(200_000)
    await file.write([{ offset: 0, bytes }])
    await file.truncate(300_000)
    expect(await file.size()).toBe(200_000)
    await file.truncate(70_000)
    expect(await file.size()).toBe(70_000)
    expectBytes(await readOne(file, 0, 200_000), bytes.slice(0, 70_000))
    await file.write([{ offset: 150_000, bytes: new Uint8Array([5]) }])
    const expected = new Uint8Array(150_001)
    expected.set(bytes.slice(0, 70_000))
    expected[150_000] = 5
    expectBytes(await readOne(file, 0, 200_000), expected)
    await file.truncate(0)
    expect(await file.size()).toBe(0)
  })
}

function overlaps(open: () => Promise<SlabFile>): void {
  test('calls may overlap', async () => {
    const file = await open()
    const parts = Array.from({ length: 40 }, (_, i) => ({ offset: i * 10_007, bytes: pattern(10_007, i) }))
    await Promise.all(
      parts.map((piece, i) => (i % 7 === 0 ? file.flush() : Promise.resolve()).then(() => file.write([piece]))),
    )
    const [answers] = await Promise.all([
      Promise.all(parts.map(({ offset, bytes }) => readOne(file, offset, bytes.length))),
      file.flush(),
      file.write([{ offset: 40 * 10_007, bytes: pattern(50) }]),
      file.size(),
    ])
    expectBytes(
      answers,
      parts.map(({ bytes }) => bytes),
    )
    expect(await file.size()).toBe(40 * 10_007 + 50)
  })

  test('a place that is no whole number of bytes is a breach, not an operational error', async () => {
    const file = await open()
    await expect(file.read([{ offset: -1, length: 1 }])).rejects.toMatchObject({ name: 'AssertionError' })
    await expect(file.write([{ offset: 0.5, bytes: new Uint8Array(1) }])).rejects.toMatchObject({
      name: 'AssertionError',
    })
    await expect(file.truncate(Number.NaN)).rejects.toMatchObject({ name: 'AssertionError' })
  })
}

function lives(place: () => Promise<SlabPlace>): void {
  test('flushed bytes, size and truncation are there after a reopen', async () => {
    const here = await place()
    const first = await here.open()
    await first.write([{ offset: 100_000, bytes: pattern(100_000) }])
    await first.truncate(150_001)
    await first.flush()
    await first.close()
    const second = await here.open()
    expect(await second.size()).toBe(150_001)
    const expected = new Uint8Array(150_001)
    expected.set(pattern(100_000).slice(0, 50_001), 100_000)
    expectBytes(await readOne(second, 0, 200_000), expected)
  })

  test('close waits for what is under way, a second one is a no-op, later calls reject with slab/closed', async () => {
    const here = await place()
    const file = await here.open()
    const bytes = pattern(1 * MiB)
    let isWritten = false
    const written = file.write([{ offset: 0, bytes }]).then(() => (isWritten = true))
    await file.close()
    expect(isWritten).toBe(true)
    await written
    await file.close()
    const calls = [
      file.read([{ offset: 0, length: 1 }]),
      file.write([{ offset: 0, bytes: new Uint8Array(1) }]),
      file.flush(),
      file.size(),
      file.truncate(0),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'slab/closed' })
    const again = await here.open()
    expect(isEqual(await readOne(again, 0, bytes.length), bytes)).toBe(true)
  })
}

/** Places around the ends of pages and blocks, where mistakes live. */
const OFFSET = fc.oneof(
  fc.nat(300_000),
  fc.nat(5).chain((page) => fc.integer({ min: -2, max: 2 }).map((by) => Math.max(0, page * 65_536 + by))),
)
const LENGTH = fc.oneof(fc.nat(300), fc.constantFrom(65_535, 65_536, 65_537, 131_072))
const STEP = fc.oneof(
  fc.record({
    does: fc.constant('write' as const),
    pieces: fc.array(fc.record({ offset: OFFSET, length: LENGTH, seed: fc.nat() }), { maxLength: 4 }),
  }),
  fc.record({
    does: fc.constant('read' as const),
    ranges: fc.array(fc.record({ offset: OFFSET, length: LENGTH }), { maxLength: 4 }),
  }),
  fc.record({ does: fc.constant('truncate' as const), size: OFFSET }),
  fc.record({ does: fc.constantFrom('flush' as const, 'reopen' as const) }),
)

function model(place: () => Promise<SlabPlace>, numRuns: number): void {
  test('behaves like a plain byte array, whatever is done in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 25 }), async (steps) => {
        const here = await place()
        let file = await here.open()
        let bytes: Uint8Array = new Uint8Array(0)
        for (const step of steps) {
          if (step.does === 'write') {
            // One after the other: pieces of one call that overlap would be the caller's mistake.
            for (const { offset, length, seed } of step.pieces) {
              await file.write([{ offset, bytes: pattern(length, seed) }])
              if (length > 0) bytes = overwritten(bytes, offset, pattern(length, seed))
            }
          } else if (step.does === 'read') {
            const expected = step.ranges.map(({ offset, length }) => bytes.slice(offset, offset + length))
            const found = await file.read(step.ranges)
            expect(found.map((part) => part.length)).toEqual(expected.map((part) => part.length))
            expect(found.every((part, i) => isEqual(part, expected[i] as Uint8Array))).toBe(true)
          } else if (step.does === 'truncate') {
            await file.truncate(step.size)
            bytes = bytes.slice(0, step.size)
          } else {
            await file.flush()
            if (step.does === 'reopen') {
              await file.close()
              file = await here.open()
            }
          }
          expect(await file.size()).toBe(bytes.length)
        }
        expect(isEqual(await readOne(file, 0, bytes.length + 1), bytes)).toBe(true)
        await file.close()
      }),
      { numRuns },
    )
  })
}

function overwritten(bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.max(bytes.length, offset + part.length))
  whole.set(bytes)
  whole.set(part, offset)
  return whole
}

/** Arrays of bytes, or lists of them. Says where they first differ; `toEqual` would take seconds to print all of them. */
function expectBytes(found: Uint8Array | readonly Uint8Array[], expected: Uint8Array | readonly Uint8Array[]): void {
  const [foundList, expectedList] = [found, expected].map((side) => (side instanceof Uint8Array ? [side] : side))
  expect(foundList?.map((part) => part.length)).toEqual(expectedList?.map((part) => part.length))
  foundList?.forEach((part, i) => {
    const at = part.findIndex((byte, j) => byte !== expectedList?.[i]?.[j])
    if (at !== -1)
      expect.unreachable(`array ${i} differs at byte ${at}: found ${part[at]}, expected ${expectedList?.[i]?.[at]}`)
  })
}

/** Comparing megabytes element by element through `toEqual` takes seconds. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
