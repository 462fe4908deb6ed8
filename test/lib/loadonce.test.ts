import { expect, test } from 'vitest'
import { loadOnce } from '../../src/lib/loadonce.ts'

test('loads at the first use, once, also for callers at the same time', async () => {
  let loads = 0
  const load = loadOnce(async () => ++loads)
  expect(loads).toBe(0)
  expect(await Promise.all([load(), load()])).toEqual([1, 1])
  expect(await load()).toBe(1)
})

test('tries again after a failure, which those who waited for it share', async () => {
  let loads = 0
  const load = loadOnce(async () => {
    if (++loads === 1) throw new Error('not yet')
    return loads
  })
  expect(await Promise.allSettled([load(), load()])).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  expect(await load()).toBe(2)
  expect(await load()).toBe(2)
})
