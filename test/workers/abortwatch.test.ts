import { expect, test } from 'vitest'
import { AbortWatch } from '../../src/workers/abortwatch.ts'
import { CountingController } from '../fakes/countingcontroller.ts'

test('many waits on a signal share one listener, which goes with the last of them', () => {
  const watch = new AbortWatch()
  const controller = new CountingController()
  const ends = [1, 2, 3].map(() => watch.watch(controller.signal, () => expect.unreachable('nothing aborted')))
  expect(controller.listeners).toBe(1)
  for (const end of ends) end()
  for (const end of ends) end()
  expect(controller.listeners).toBe(0)
})

test('an abort is heard once by those who still wait, in order, and by none of another signal', () => {
  const watch = new AbortWatch()
  const [first, other] = [new CountingController(), new CountingController()]
  const heard: number[] = []
  const ends = [1, 2, 3].map((index) => watch.watch(first.signal, () => heard.push(index)))
  watch.watch(other.signal, () => heard.push(9))
  ends[1]?.()
  first.abort()
  for (const end of ends) end()
  expect(heard).toEqual([1, 3])
  expect(other.listeners).toBe(1)
})

test('whoever ends another while an abort is told spares it', () => {
  const watch = new AbortWatch()
  const controller = new AbortController()
  const heard: string[] = []
  watch.watch(controller.signal, () => {
    heard.push('first')
    endSecond()
  })
  const endSecond = watch.watch(controller.signal, () => heard.push('second'))
  controller.abort()
  expect(heard).toEqual(['first'])
})
