import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { BoundedQueue } from '../../src/lib/boundedqueue.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { isSettled } from '../fakes/issettled.ts'

const free = new AbortController()
const item = <T>(value: T) => ({ done: false, value })
const done = { done: true, value: undefined }

describe('BoundedQueue', () => {
  it('hands out items in the order they came', async () => {
    const queue = new BoundedQueue<number | undefined>(3)
    await queue.push(1, free)
    await queue.push(undefined, free)
    expect(queue.tryPush(3)).toBe(true)
    expect(queue.size).toBe(3)
    expect([await queue.pull(free), await queue.pull(free), await queue.pull(free)]).toEqual(
      [1, undefined, 3].map(item),
    )
    expect(queue.size).toBe(0)
  })

  it('makes pushes wait while full, and lets them in by order', async () => {
    const queue = new BoundedQueue<string>(1)
    expect(queue.tryPush('a')).toBe(true)
    expect(queue.tryPush('no')).toBe(false)
    const b = queue.push('b', free)
    const c = queue.push('c', free)
    expect(await isSettled(b)).toBe(false)
    expect(await queue.pull(free)).toEqual(item('a'))
    expect([await isSettled(b), await isSettled(c)]).toEqual([true, false])
    expect(queue.tryPush('no')).toBe(false)
    expect(await queue.pull(free)).toEqual(item('b'))
    expect(await queue.pull(free)).toEqual(item('c'))
    expect(queue.size).toBe(0)
  })

  it('makes pulls wait while empty, and serves them by order', async () => {
    const queue = new BoundedQueue<string>(1)
    const first = queue.pull(free)
    const second = queue.pull(free)
    await queue.push('a', free)
    expect(await first).toEqual(item('a'))
    expect(await isSettled(second)).toBe(false)
    expect(queue.tryPush('b')).toBe(true)
    expect(await second).toEqual(item('b'))
    expect(queue.size).toBe(0)
  })

  it('loses nothing to a pull or push that aborts', async () => {
    const queue = new BoundedQueue<string>(1)
    const controller = new CountingController()
    const aborted = queue.pull(controller)
    const other = queue.pull(free)
    expect(controller.listeners).toBe(1)
    controller.abort('left')
    await expect(aborted).rejects.toBe('left')
    queue.tryPush('a')
    expect(await other).toEqual(item('a'))

    const second = new CountingController()
    queue.tryPush('b')
    const refused = queue.push('never', second)
    const taken = queue.push('c', free)
    second.abort('left')
    await expect(refused).rejects.toBe('left')
    expect([await queue.pull(free), await queue.pull(free)]).toEqual([item('b'), item('c')])
    await taken
  })

  it('keeps its word to a pull that was served in the moment of its abort', async () => {
    const queue = new BoundedQueue<string>(1)
    const controller = new AbortController()
    const pull = queue.pull(controller)
    queue.tryPush('a')
    controller.abort('late')
    expect(await pull).toEqual(item('a'))
  })

  it('refuses an aborted signal before anything moves', async () => {
    const queue = new BoundedQueue<string>(1)
    const aborted = { signal: AbortSignal.abort('no') }
    await expect(queue.push('a', aborted)).rejects.toBe('no')
    queue.tryPush('b')
    await expect(queue.pull(aborted)).rejects.toBe('no')
    expect(queue.size).toBe(1)
  })

  it('leaves no listener behind', async () => {
    const queue = new BoundedQueue<string>(1)
    const controller = new CountingController()
    const pull = queue.pull(controller)
    await queue.push('a', controller)
    await pull
    queue.tryPush('b')
    const push = queue.push('c', controller)
    await queue.pull(controller)
    await push
    await queue.pull(controller)
    const ended = queue.pull(controller)
    expect(controller.listeners).toBe(1)
    queue.close()
    await ended
    expect(controller.listeners).toBe(0)
  })

  it('ends after draining when closed', async () => {
    const queue = new BoundedQueue<string>(1)
    queue.tryPush('a')
    const waiting = queue.push('refused', free)
    queue.close()
    queue.close()
    await expect(waiting).rejects.toMatchObject({ code: 'queue/closed' })
    await expect(queue.push('b', free)).rejects.toMatchObject({ code: 'queue/closed' })
    expect(queue.tryPush('b')).toBe(false)
    expect(await queue.pull(free)).toEqual(item('a'))
    expect([await queue.pull(free), await queue.pull(free)]).toEqual([done, done])
  })

  it('wakes waiting pulls when closed', async () => {
    const queue = new BoundedQueue<string>(1)
    const pulls = [queue.pull(free), queue.pull(free)]
    queue.close()
    expect(await Promise.all(pulls)).toEqual([done, done])
  })

  it('fails at once, for all who wait and all who come', async () => {
    const queue = new BoundedQueue<string>(1)
    const error = new Error('source broke')
    queue.tryPush('dropped')
    const push = queue.push('refused', free)
    queue.fail(error)
    queue.fail(new Error('second'))
    queue.close()
    await expect(push).rejects.toBe(error)
    await expect(queue.pull(free)).rejects.toBe(error)
    await expect(queue.push('b', free)).rejects.toBe(error)
    expect([queue.tryPush('b'), queue.size]).toEqual([false, 0])

    const empty = new BoundedQueue<string>(1)
    const pull = empty.pull(free)
    empty.fail(error)
    await expect(pull).rejects.toBe(error)
  })

  it('may fail while a closed queue still drains', async () => {
    const queue = new BoundedQueue<string>(1)
    queue.tryPush('dropped')
    queue.close()
    queue.fail('broke')
    await expect(queue.pull(free)).rejects.toBe('broke')
  })

  it('is iterated until it ends, with a signal or without', async () => {
    const queue = new BoundedQueue<number>(2)
    const feed = (async () => {
      for (let i = 0; i < 10; i++) await queue.push(i, free)
      queue.close()
    })()
    const seen: number[] = []
    for await (const value of queue) {
      seen.push(value)
      if (value === 4) break
    }
    for await (const value of queue.values(free)) seen.push(value)
    await feed
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const controller = new AbortController()
    const endless = new BoundedQueue<number>(1).values(controller).next()
    controller.abort('enough')
    await expect(endless).rejects.toBe('enough')
  })

  it('holds at least one item', () => {
    for (const capacity of [0, -1, 1.5, Infinity, Number.NaN])
      expect(() => new BoundedQueue(capacity)).toThrow('at least one item')
  })

  it('passes every item once, in order, whoever is faster', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(25),
        fc.integer({ min: 1, max: 3 }),
        async (scheduler, capacity, count, consumers) => {
          const queue = new BoundedQueue<number>(capacity)
          const out: number[] = []
          const producer = (async () => {
            for (let i = 0; i < count; i++) {
              await scheduler.schedule(Promise.resolve())
              await queue.push(i, free)
              expect(queue.size).toBeLessThanOrEqual(capacity)
            }
            queue.close()
          })()
          const consume = async () => {
            for await (const value of queue) {
              out.push(value)
              await scheduler.schedule(Promise.resolve())
            }
          }
          await scheduler.waitFor(Promise.all([producer, ...Array.from({ length: consumers }, consume)]))
          expect(out).toEqual(Array.from({ length: count }, (_, i) => i))
        },
      ),
    )
  })
})
