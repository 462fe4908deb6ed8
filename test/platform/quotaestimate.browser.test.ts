import { expect, test } from 'vitest'
import { GiB, MiB } from '../../src/lib/units.ts'
import {
  PLEDGE_WITHOUT_ESTIMATE_BYTES,
  askToPersist,
  pledgeLimit,
  quotaEstimate,
} from '../../src/platform/browser/quotaestimate.ts'

const storage = (answers: object): StorageManager => answers as StorageManager

test('this browser answers in whole bytes', async () => {
  const { quotaBytes, usageBytes } = await quotaEstimate()
  expect(quotaBytes).toBeGreaterThan(MiB)
  expect(Number.isSafeInteger(quotaBytes)).toBe(true)
  expect(Number.isSafeInteger(usageBytes)).toBe(true)
})

test('doubles are cut to whole bytes, and beyond 2^53 to the largest', async () => {
  const answer = { quota: 1e300, usage: 10.9 }
  const estimate = await quotaEstimate(storage({ estimate: async () => answer, persisted: async () => true }))
  expect(estimate).toEqual({ quotaBytes: Number.MAX_SAFE_INTEGER, usageBytes: 10, persisted: true })
})

test('a browser that refuses, or answers nonsense, is one that does not say', async () => {
  const refuse = () => Promise.reject(new DOMException('no', 'SecurityError'))
  const silent = { quotaBytes: undefined, usageBytes: 0, persisted: false }
  expect(await quotaEstimate(storage({ estimate: refuse, persisted: refuse }))).toEqual(silent)
  const nonsense = async () => ({ quota: Number.NaN, usage: -1 })
  expect(await quotaEstimate(storage({ estimate: nonsense, persisted: async () => false }))).toEqual(silent)
  expect(await askToPersist(storage({ persist: refuse }))).toBe(false)
  expect(await askToPersist(storage({ persist: async () => true }))).toBe(true)
})

test('four fifths of what others leave may be pledged', () => {
  const estimate = { quotaBytes: 10 * GiB, usageBytes: 3 * GiB, persisted: false }
  // One of the three is ours.
  expect(pledgeLimit(estimate, GiB)).toBe(Math.floor(0.8 * 8 * GiB))
  // A usage that lags behind what we know we have must not add room.
  expect(pledgeLimit(estimate, 5 * GiB)).toBe(8 * GiB)
  expect(pledgeLimit({ ...estimate, usageBytes: 11 * GiB }, 0)).toBe(0)
  expect(pledgeLimit({ ...estimate, quotaBytes: undefined }, 0)).toBe(PLEDGE_WITHOUT_ESTIMATE_BYTES)
  expect(Number.isSafeInteger(pledgeLimit({ ...estimate, quotaBytes: 7, usageBytes: 0 }, 0))).toBe(true)
})
