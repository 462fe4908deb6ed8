// Pulls that end by their time lose nothing, and leave nothing behind with a source that is silent for weeks.

import { expect, it } from 'vitest'
import { BoundedQueue } from '../../src/lib/boundedqueue.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { PatientPull } from '../../src/lib/patientpull.ts'
import { isSettled } from '../fakes/issettled.ts'

const { signal } = new AbortController()

function pulling() {
  const clock = new ManualClock()
  const queue = new BoundedQueue<number>(9)
  const counts = { pulls: 0, reactions: 0 }
  const values = queue.values({ signal })
  const ask = values.next.bind(values)
  values.next = () => {
    counts.pulls++
    const next = ask()
    const react = next.then.bind(next)
    next.then = ((...reaction: Parameters<typeof react>) => {
      counts.reactions++
      return react(...reaction)
    }) as typeof next.then
    return next
  }
  return { clock, queue, counts, pull: new PatientPull(values, clock) }
}

it('gives what comes, each once and in order, also what came while nobody asked', async () => {
  const { clock, queue, pull } = pulling()
  const first = pull.atMost(1, { signal })
  queue.tryPush(1)
  expect(await first).toEqual({ done: false, value: 1 })
  expect(clock.waiting).toBe(0)
  queue.tryPush(2)
  queue.tryPush(3)
  expect(await pull.atMost(1, { signal })).toEqual({ done: false, value: 2 })
  expect(await pull.atMost(1, { signal })).toEqual({ done: false, value: 3 })
  expect(await isSettled(pull.atMost(1, { signal }))).toBe(false)
})

it('leaves one reaction with the source, however many pulls end by their time', async () => {
  const { clock, queue, counts, pull } = pulling()
  for (let n = 0; n < 1000; n++) {
    const none = pull.atMost(1, { signal })
    clock.advance(1)
    expect(await none).toBe(undefined)
  }
  expect(counts).toEqual({ pulls: 1, reactions: 1 })
  const next = pull.atMost(1, { signal })
  queue.tryPush(1)
  expect(await next).toEqual({ done: false, value: 1 })
})

it('ends as its source does, and stays ended', async () => {
  const [closed, failed] = [pulling(), pulling()]
  const waited = closed.pull.atMost(1, { signal })
  closed.queue.close()
  expect(await waited).toEqual({ done: true, value: undefined })
  expect(await closed.pull.atMost(1, { signal })).toEqual({ done: true, value: undefined })
  failed.queue.fail(new Error('no more'))
  await expect(failed.pull.atMost(1, { signal })).rejects.toThrow('no more')
  await expect(failed.pull.atMost(1, { signal })).rejects.toThrow('no more')
})

it('rejects with the reason of its signal, and loses nothing by it', async () => {
  const { clock, queue, pull } = pulling()
  const controller = new AbortController()
  const waited = pull.atMost(1, controller)
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(waited).rejects.toBe(reason)
  expect(clock.waiting).toBe(0)
  queue.tryPush(1)
  expect(await pull.atMost(1, { signal })).toEqual({ done: false, value: 1 })
})
