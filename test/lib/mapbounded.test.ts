import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mapBounded } from '../../src/lib/mapbounded.ts'

test('keeps order, calls once per item, never more than the bound at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat()),
      fc.integer({ min: 1, max: 9 }),
      fc.scheduler(),
      async (items, atOnce, scheduler) => {
        let open = 0
        let most = 0
        const running = mapBounded(items, atOnce, async (item, index) => {
          most = Math.max(most, ++open)
          await scheduler.schedule(Promise.resolve())
          open--
          return `${index}:${item}`
        })
        expect(await scheduler.waitFor(running)).toEqual(items.map((item, index) => `${index}:${item}`))
        expect(most).toBeLessThanOrEqual(atOnce)
      },
    ),
  )
})

test('rejects with the failure of the first item in order, whichever was faster', async () => {
  const failure = mapBounded([9, 5, 1, 7], 3, async (item) => {
    for (let turn = 0; turn < item; turn++) await Promise.resolve()
    if (item !== 9) throw new Error(`after ${item}`)
  })
  await expect(failure).rejects.toThrow('after 5')
})

test('rejects once open calls have settled, and begins no further ones', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const failure = mapBounded([0, 1, 2, 3, 4, 5], 3, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('the second')
    await Promise.resolve().then(() => Promise.resolve())
    ended.push(item)
  })
  await expect(failure).rejects.toThrow('the second')
  expect(begun).toEqual([0, 1, 2])
  expect(ended).toEqual([0, 2])
})
