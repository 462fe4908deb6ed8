import { expect, test } from 'vitest'

import { SystemRandom } from '../../src/lib/systemrandom.ts'

const random = new SystemRandom()

test('fractions fill the span from 0 to 1 evenly', () => {
  const tenths = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i++) {
    const fraction = random.fraction()
    expect(fraction).toBeGreaterThanOrEqual(0)
    expect(fraction).toBeLessThan(1)
    const tenth = Math.floor(10 * fraction)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  // Eight standard deviations: a fair source fails this less than once in 10^14 runs.
  for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(240)
})

test('bytes are as many as asked for, beyond what the platform gives at once, and differ', () => {
  expect(random.bytes(0)).toEqual(new Uint8Array(0))
  const bytes = random.bytes(200_000)
  expect(bytes.length).toBe(200_000)
  for (const part of [bytes.subarray(0, 32), bytes.subarray(65_536, 65_568), bytes.subarray(-32)])
    expect(new Set(part).size).toBeGreaterThan(8)
  expect(random.bytes(32)).not.toEqual(random.bytes(32))
})
