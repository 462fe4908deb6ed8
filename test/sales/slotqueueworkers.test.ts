// Workers: how many work at once, when one is free again, and that none is lost.

import { describe, expect, it } from 'vitest'
import { nextTask } from '../../src/lib/nexttask.ts'
import { SlotQueue } from '../../src/sales/slotqueue.ts'
import type { SlotQueueItem } from '../../src/sales/slotqueueitem.ts'
import { type DecideSlot, SlotQueueWorkers } from '../../src/sales/slotqueueworkers.ts'
import { seededRandom } from '../fakes/memorystore.ts'
import { requestIdOf, seededSource } from '../fakes/salesparts.ts'

const ASK = { slots: 1n, slotSize: 100n, duration: 60n, pricePerBytePerSecond: 2n, collateralPerByte: 3n }

interface Job {
  readonly item: SlotQueueItem
  readonly signal: AbortSignal
  readonly settle: (verdict: 'decided' | 'again') => void
  readonly fail: (error: unknown) => void
}

/** A queue of that many requests whose decisions the test makes by hand. */
function world(requests: number, workers?: number) {
  const queue = new SlotQueue(seededSource(1), { workers: workers ?? 3 })
  const jobs: Job[] = []
  const reported: unknown[] = []
  const decide: DecideSlot = (item, { signal }) =>
    new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort)
      const settle = (verdict: 'decided' | 'again') => {
        signal.removeEventListener('abort', abort)
        resolve(verdict)
      }
      jobs.push({ item, signal, settle, fail: reject })
    })
  const crew = new SlotQueueWorkers(
    { queue, decide, report: (error) => reported.push(error), pressedOut: () => undefined },
    workers,
  )
  for (let number = 0; number < requests; number++)
    queue.offer({ requestId: requestIdOf(number), expiry: 9, ask: { ...ASK, pricePerBytePerSecond: BigInt(number) } })
  return { queue, crew, jobs, reported }
}

/** Some of promises, and of the event loop: workers leave it a turn now and then. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    for (let step = 0; step < 20; step++) await Promise.resolve()
    await nextTask()
  }
}

describe('workers', () => {
  it('run only once started, take three at once by default, and one is free as soon as its slot is decided (not running at first; T15)', async () => {
    const { crew, jobs, queue } = world(20)
    await turns()
    expect([jobs.length, crew.busy]).toEqual([0, 0])
    crew.start(new AbortController())
    await turns()
    expect(jobs.length).toBe(3)
    expect(crew.busy).toBe(3)
    for (let decided = 0; decided < 20; decided++) {
      jobs[decided]?.settle('decided')
      await turns()
      expect(jobs.length).toBe(Math.min(20, decided + 4))
    }
    expect(crew.busy).toBe(0)
    expect(queue.size).toBe(0)
    await crew.stop()
  })

  it('decide each item once, in any order of completion (T17)', async () => {
    const { crew, jobs, queue } = world(100)
    const random = seededRandom(3)
    crew.start(new AbortController())
    const open = new Set<Job>()
    for (let seen = 0; seen < 100;) {
      await turns()
      for (; seen < jobs.length; seen++) open.add(jobs[seen] as Job)
      const one = [...open][Math.floor(random() * open.size)] as Job
      open.delete(one)
      one.settle('decided')
    }
    expect(new Set(jobs.map(({ item }) => item.requestId)).size).toBe(100)
    expect(queue.size).toBe(0)
    await crew.stop()
  })

  it('are not eaten by seen items: of 10^4 mixed, every unseen one is tried (T16)', async () => {
    const { queue } = world(0)
    const tried: number[] = []
    const decide: DecideSlot = async ({ requestId }) => {
      tried.push(Number(requestId))
      return Number(requestId) % 2 === 0 ? 'again' : 'decided'
    }
    const pressedOut = new Set<number>()
    const busy = new SlotQueueWorkers({
      ...{ queue, decide, report: () => undefined },
      pressedOut: ({ requestId }) => pressedOut.add(Number(requestId)),
    })
    busy.start(new AbortController())
    for (let number = 0; number < 10_000; number++) {
      const { evicted } = queue.offer({ requestId: requestIdOf(number), expiry: 9, ask: ASK })
      for (const { requestId } of evicted) pressedOut.add(Number(requestId))
      if (number % 50 === 0) await turns()
    }
    await turns()
    expect(new Set(tried).size).toBe(10_000)
    expect(queue.isPaused).toBe(true)
    expect(busy.busy).toBe(0)
    expect(queue.size).toBeGreaterThan(100)
    // What came back and is not there is known to be gone.
    const left = new Set(queue.items().map(({ requestId }) => Number(requestId)))
    for (let number = 0; number < 10_000; number += 2) expect(left.has(number) || pressedOut.has(number)).toBe(true)
    await busy.stop()
  })

  it('pause with all items in the queue when none matches, and try them again when woken', async () => {
    const { crew, jobs, queue } = world(4, 1)
    crew.start(new AbortController())
    for (let n = 0; n < 4; n++) {
      await turns()
      jobs[n]?.settle('again')
    }
    await turns()
    expect(jobs.length).toBe(4)
    expect(queue.size).toBe(4)
    expect(queue.isPaused).toBe(true)
    queue.wake()
    await turns()
    expect(jobs.length).toBe(5)
    await crew.stop()
  })

  it('go on after a decision that failed, which is reported', async () => {
    const { crew, jobs, reported } = world(2, 1)
    crew.start(new AbortController())
    await turns()
    const error = new Error('no')
    jobs[0]?.fail(error)
    await turns()
    expect(reported).toEqual([error])
    expect(jobs.length).toBe(2)
    await crew.stop()
    expect(reported).toEqual([error])
  })

  it('start and stop as often as one likes, ending what they work on (T29)', async () => {
    const { crew, jobs, queue } = world(128)
    expect(crew.isRunning).toBe(false)
    await crew.stop()
    for (let time = 0; time < 20; time++) {
      crew.start(new AbortController())
      crew.start(new AbortController())
      expect(crew.isRunning).toBe(true)
      await turns()
      expect(crew.busy).toBe(3)
      await crew.stop()
      await crew.stop()
      expect(crew.isRunning).toBe(false)
      expect(crew.busy).toBe(0)
    }
    expect(jobs.length).toBe(60)
    expect(jobs.every(({ signal }) => signal.aborted)).toBe(true)
    expect(queue.size).toBe(128 - 60)
  })
})
