import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { pattern, slabFileSuite } from '../suites/slabfile.ts'
import { CrashingSlabFile, SECTOR_BYTES } from './crashingslabfile.ts'
import type { Random } from './crashingslabfile.ts'

slabFileSuite('CrashingSlabFile', {
  modelRuns: 100,
  place: async () => {
    let last: CrashingSlabFile | undefined
    // Reopening is a clean restart here: what was written but not flushed is still in the page cache.
    return { open: async () => (last = last === undefined ? new CrashingSlabFile() : last.reopen()) }
  },
})

function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

async function content(file: CrashingSlabFile): Promise<Uint8Array> {
  const [bytes] = await file.read([{ offset: 0, length: await file.size() }])
  return bytes ?? new Uint8Array(0)
}

test('flushed bytes survive every crash, unflushed ones are old, new or zero at each place', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(4000), fc.nat(4000), async (seed, offset, length) => {
      const file = new CrashingSlabFile()
      await file.write([{ offset: 0, bytes: pattern(3000, 1) }])
      await file.flush()
      await file.write([{ offset, bytes: pattern(length, 2) }])
      const found = await content(file.crash(seeded(seed)))
      const old = pattern(3000, 1)
      const fresh = pattern(length, 2)
      expect(found.length).toBeGreaterThanOrEqual(3000)
      expect(found.length).toBeLessThanOrEqual(Math.max(3000, offset + length))
      found.forEach((byte, i) => {
        const allowed = [i < 3000 ? old[i] : 0, i >= offset ? fresh[i - offset] : undefined]
        if (!allowed.includes(byte)) expect.unreachable(`byte ${i} is ${byte}, allowed ${allowed.join()}`)
      })
    }),
  )
})

test('crashes come in every kind: lost, kept, torn at a byte, torn in sectors, later without earlier', async () => {
  const kinds = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const file = new CrashingSlabFile(new Uint8Array(8 * SECTOR_BYTES))
    await file.write([{ offset: 0, bytes: new Uint8Array(4 * SECTOR_BYTES).fill(1) }])
    await file.write([{ offset: 4 * SECTOR_BYTES, bytes: new Uint8Array(4 * SECTOR_BYTES).fill(2) }])
    const found = await content(file.crash(seeded(seed * 7919)))
    const kept = [0, 4].map(
      (sector) => found.slice(sector * SECTOR_BYTES, (sector + 4) * SECTOR_BYTES).filter((byte) => byte !== 0).length,
    )
    const [first = 0, second = 0] = kept
    if (first === 0 && second === 0) kinds.add('lost')
    if (first > 0 && second > 0) kinds.add('kept')
    if (first === 0 && second === 4 * SECTOR_BYTES) kinds.add('later without earlier')
    if (first % SECTOR_BYTES !== 0) kinds.add('torn at a byte')
    if (first > 0 && first % SECTOR_BYTES === 0 && found[0] === 0) kinds.add('torn in sectors')
  }
  expect([...kinds].sort()).toEqual(['kept', 'later without earlier', 'lost', 'torn at a byte', 'torn in sectors'])
})

test('the same seed gives the same crash', async () => {
  const make = async (): Promise<Uint8Array> => {
    const file = new CrashingSlabFile()
    for (let i = 0; i < 20; i++) await file.write([{ offset: i * 777, bytes: pattern(700, i) }])
    return content(file.crash(seeded(42)))
  }
  expect(await make()).toEqual(await make())
})

test('a write that has not settled when flush is called is not made durable by it', async () => {
  const file = new CrashingSlabFile()
  const writing = file.write([{ offset: 0, bytes: pattern(100) }])
  await file.flush()
  await writing
  const found = await content(file.crash(() => 0))
  expect(found.every((byte) => byte === 0)).toBe(true)
})

test('after the crash the old object is dead', async () => {
  const file = new CrashingSlabFile()
  file.crash(() => 0)
  await expect(file.size()).rejects.toMatchObject({ code: 'slab/failed' })
  await expect(file.write([{ offset: 0, bytes: pattern(4) }])).rejects.toMatchObject({ code: 'slab/failed' })
})

test('failAt fails the n-th call from now, once, and leaves half of a write', async () => {
  const file = new CrashingSlabFile()
  file.failAt(2)
  await file.size()
  await expect(file.write([{ offset: 0, bytes: new Uint8Array(10).fill(9) }])).rejects.toMatchObject({
    code: 'slab/full',
  })
  expect(await content(file)).toEqual(new Uint8Array(5).fill(9))
  file.failAt(1, new CodexError('slab/failed', 'the disk is gone'))
  await expect(file.flush()).rejects.toMatchObject({ code: 'slab/failed' })
  await file.flush()
  expect(file.calls).toBe(6)
})
