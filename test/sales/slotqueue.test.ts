// The slot queue: order, room, fairness, what is seen and what wakes it. Names follow the checklist of marketplace reference §6.8.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextTask } from '../../src/lib/nexttask.ts'
import { SlotQueue } from '../../src/sales/slotqueue.ts'
import type { RequestOffer, SlotQueueItem } from '../../src/sales/slotqueueitem.ts'
import { MAX_SLOTS, compareItems, slotQueueItem } from '../../src/sales/slotqueueitem.ts'
import { someIndices } from '../../src/sales/someindices.ts'
import { isSettled } from '../fakes/issettled.ts'
import { seededRandom } from '../fakes/memorystore.ts'
import { requestIdOf, seededSource } from '../fakes/salesparts.ts'

const ASK = { slots: 4n, slotSize: 100n, duration: 60n, pricePerBytePerSecond: 2n, collateralPerByte: 3n }

function request(number: number, changes: Partial<RequestOffer> = {}, ask: Partial<typeof ASK> = {}): RequestOffer {
  return { requestId: requestIdOf(number), expiry: 1000, ask: { ...ASK, ...ask }, ...changes }
}

/** Of a request of its own; the larger the profit, the better. */
function item(number: number, profit: number, changes: Partial<SlotQueueItem> = {}): SlotQueueItem {
  return {
    requestId: requestIdOf(number),
    slotIndex: 0,
    profit: BigInt(profit),
    collateral: 10n,
    expiry: 1000,
    ...changes,
  }
}

function queueOf(size?: number, workers?: number): SlotQueue {
  return new SlotQueue(seededSource(1), { size, workers })
}

const numbers = (queue: SlotQueue): number[] => queue.items().map(({ requestId }) => Number(requestId))
const take = (queue: SlotQueue): Promise<SlotQueueItem> => queue.take(new AbortController())

describe('the order', () => {
  it('compares by each criterion: seen, then profit, then collateral, then expiry; slot size through profit', () => {
    const queue = queueOf()
    queue.push(item(1, 100), { seen: true })
    queue.push(item(2, 5, { expiry: 1 }))
    queue.push(item(3, 5, { expiry: 2 }))
    queue.push(item(4, 5, { collateral: 9n, expiry: 0 }))
    queue.push(item(5, 6, { collateral: 99n, expiry: 0 }))
    queue.push(item(6, 1), { seen: true })
    expect(numbers(queue)).toEqual([5, 4, 3, 2, 1, 6])
    const [small, large] = [slotQueueItem(request(1), 0), slotQueueItem(request(2, {}, { slotSize: 101n }), 0)]
    expect(compareItems(large, small)).toBeLessThan(0)
    expect(large.profit).toBe(101n * 60n * 2n)
    expect(large.collateral).toBe(303n)
    expect(slotQueueItem(request(2), 0, 270n).collateral).toBe(270n)
  })

  it('keeps the order of arrival among equals', () => {
    const queue = queueOf()
    for (const number of [3, 1, 2]) queue.push(item(number, 7))
    expect(numbers(queue)).toEqual([3, 1, 2])
  })

  it('takes a burst best first', async () => {
    const queue = queueOf()
    for (const number of [2, 9, 4]) queue.push(item(number, number))
    expect([await take(queue), await take(queue), await take(queue)].map(({ profit }) => Number(profit))).toEqual([
      9, 4, 2,
    ])
  })

  it('stands numbers that no chain would let pass', () => {
    const absurd = 2n ** 256n - 1n
    const huge = { slotSize: absurd, duration: absurd, pricePerBytePerSecond: absurd, collateralPerByte: absurd }
    const queue = queueOf()
    queue.offer(request(1, {}, huge))
    queue.offer(request(2))
    expect(numbers(queue)).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
    expect(queue.items()[0]?.profit).toBe(absurd ** 3n)
  })
})

describe('offering a request', () => {
  it('makes one item for each index, shuffled for each request by the injected source', () => {
    const queue = queueOf()
    expect(queue.offer(request(1, {}, { slots: 100n }))).toEqual({ queued: 100, duplicates: 0, noRoom: 0, evicted: [] })
    const indices = queue.items().map(({ slotIndex }) => slotIndex)
    expect(indices.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(indices).not.toEqual(indices.toSorted((a, b) => a - b))
    const other = new SlotQueue(seededSource(2))
    other.offer(request(1, {}, { slots: 100n }))
    expect(other.items().map(({ slotIndex }) => slotIndex)).not.toEqual(indices)
    const same = queueOf()
    same.offer(request(1, {}, { slots: 100n }))
    expect(same.items()).toEqual(queue.items())
  })

  it('takes 65535 slots, not 65536, none, or 2^64 - 1 (S7)', () => {
    const queue = queueOf(8)
    expect(queue.offer(request(1, {}, { slots: BigInt(MAX_SLOTS) }))).toMatchObject({
      queued: 8,
      noRoom: MAX_SLOTS - 8,
    })
    for (const slots of [65_536n, 65_536n + 4n, 0n, 2n ** 64n - 1n, -1n])
      expect(() => queue.offer(request(2, {}, { slots }))).toThrow(
        expect.objectContaining({ code: 'slotqueue/slots-out-of-range', detail: { requestId: requestIdOf(2), slots } }),
      )
    expect(queue.size).toBe(8)
  })

  it('draws any index as likely as any other', () => {
    const random = { fraction: seededRandom(5) }
    const counts = new Array<number>(10).fill(0)
    for (let run = 0; run < 6000; run++)
      for (const index of someIndices(10, 3, random)) counts[index] = (counts[index] ?? 0) + 1
    for (const drawn of counts) expect(Math.abs(drawn - 1800)).toBeLessThan(200)
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), (count, limit) => {
        const drawn = someIndices(count, limit, random)
        expect(new Set(drawn).size).toBe(Math.min(count, limit))
        expect(drawn.every((index) => index >= 0 && index < count)).toBe(true)
      }),
    )
  })

  it('ignores what is here already, also when told twice (T18, T27)', () => {
    const queue = queueOf()
    queue.offer(request(1))
    const before = queue.items()
    expect(queue.offer(request(1))).toEqual({ queued: 0, duplicates: 4, noRoom: 0, evicted: [] })
    expect(queue.push(slotQueueItem(request(1), 2))).toEqual({ is: 'duplicate' })
    expect(queue.items()).toEqual(before)
  })
})

describe('room', () => {
  it('refuses sizes and workers that make no queue', () => {
    const bad = expect.objectContaining({ code: 'slotqueue/bad-setting' }) as Error
    for (const [size, workers] of [
      [0, 1],
      [-1, 1],
      [1.5, 1],
      [8193, 1],
      [4, 0],
      [4, 5],
      [4, 1.5],
    ])
      expect(() => queueOf(size, workers)).toThrow(bad)
    expect(queueOf(4, 4).capacity).toBe(4)
    expect(queueOf().capacity).toBe(128)
    expect(queueOf().size).toBe(0)
  })

  it('evicts the worst of all, truly, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (profits) => {
        const queue = queueOf(8)
        for (const [number, profit] of profits.entries()) {
          const before = queue.items()
          const outcome = queue.push(item(number, profit))
          const worst = [...before, item(number, profit)].sort((a, b) => Number(b.profit - a.profit)).at(-1)
          if (before.length < 8) expect(outcome).toEqual({ is: 'queued' })
          else if (outcome.is === 'no room') expect(worst?.profit).toBe(BigInt(profit))
          else expect(outcome).toMatchObject({ is: 'queued', evicted: { profit: worst?.profit } })
        }
        const kept = profits.toSorted((a, b) => b - a).slice(0, 8)
        expect(queue.items().map(({ profit }) => Number(profit))).toEqual(kept)
      }),
    )
  })

  it('lets the later go among equals, and the seen before the unseen', () => {
    const queue = queueOf(2)
    queue.push(item(1, 5))
    queue.push(item(2, 5))
    expect(queue.push(item(3, 5))).toEqual({ is: 'no room' })
    expect(queue.push(item(4, 9), { seen: true })).toEqual({ is: 'no room' })
    expect(numbers(queue)).toEqual([1, 2])
  })

  it('is not taken by one client: 10^4 rich requests leave the poor of another in place', () => {
    const queue = queueOf()
    for (let number = 0; number < 3; number++) queue.offer(request(number, { client: 'honest' }))
    for (let number = 100; number < 10_100; number++)
      queue.offer(request(number, { client: 'greedy' }, { pricePerBytePerSecond: BigInt(number), slots: 2n }))
    const clients = queue.items().map(({ client }) => client)
    expect(clients.length).toBe(128)
    expect(clients.filter((client) => client === 'honest').length).toBe(12)
  })

  it('is not taken by one request where its client is unknown', () => {
    const queue = queueOf(16)
    queue.offer(request(1))
    queue.offer(request(2, {}, { slots: 1000n, pricePerBytePerSecond: 999n }))
    expect(numbers(queue).filter((number) => number === 1).length).toBe(4)
    expect(queue.size).toBe(16)
  })

  it('is not taken by one client of many requests, as soon as it is known who asks', async () => {
    const queue = queueOf(128, 3)
    const rich = { slots: 1n, pricePerBytePerSecond: 99n }
    const poor = { slots: 1n }
    for (let number = 1; number <= 128; number++) queue.offer(request(number, {}, rich))
    const taken = [await take(queue), await take(queue)]
    for (let number = 1; number <= 128; number++) queue.knowClient(request(number).requestId, 'greedy')
    queue.offer(request(200, { client: 'honest' }, poor))
    // Of three workers it has two; what comes next is another's.
    expect((await take(queue)).client).toBe('honest')
    for (const item of taken) queue.finish(item, true)
    for (let number = 201; number < 230; number++) queue.offer(request(number, { client: 'honest' }, poor))
    const clients = queue.items().map(({ client }) => client)
    expect(clients).toHaveLength(128)
    expect(clients.filter((client) => client === 'honest')).toHaveLength(29)
    expect(clients.filter((client) => client === undefined)).toEqual([])
  })

  it('is all for one client where nobody else asks', () => {
    const queue = queueOf()
    expect(queue.offer(request(1, { client: 'only' }, { slots: 200n }))).toMatchObject({ queued: 128, noRoom: 72 })
  })
})

describe('removing', () => {
  it('takes out an item, an index or a request, and nothing else', () => {
    const queue = queueOf()
    for (const number of [1, 2, 3]) queue.offer(request(number))
    expect(queue.has(requestIdOf(2), 3)).toBe(true)
    expect(queue.remove(requestIdOf(2), 3)).toBe(1)
    expect(queue.has(requestIdOf(2), 3)).toBe(false)
    expect(queue.remove(requestIdOf(2), 3)).toBe(0)
    expect(queue.remove(requestIdOf(1))).toBe(4)
    expect(queue.remove(requestIdOf(9))).toBe(0)
    expect(numbers(queue).sort()).toEqual([2, 2, 2, 3, 3, 3, 3])
  })

  it('takes out what nobody can fill any more, at the second after its expiry (T11)', () => {
    const queue = queueOf()
    queue.push(item(1, 1, { expiry: 9 }))
    queue.push(item(2, 1, { expiry: 10 }))
    expect(queue.removeExpired(10).map(({ expiry }) => expiry)).toEqual([9])
    expect(numbers(queue)).toEqual([2])
  })
})

describe('taking', () => {
  it('waits while there is nothing, and each item goes to one taker', async () => {
    const queue = queueOf()
    const taken = [take(queue), take(queue)]
    expect(await Promise.all(taken.map(isSettled))).toEqual([false, false])
    expect(queue.isPaused).toBe(true)
    queue.push(item(1, 1))
    expect(await Promise.all(taken.map(isSettled))).toEqual([true, false])
    queue.push(item(2, 1))
    expect((await Promise.all(taken)).map(({ requestId }) => Number(requestId))).toEqual([1, 2])
    expect(queue.size).toBe(0)
  })

  it('leaves the line when its signal aborts, losing nothing', async () => {
    const queue = queueOf()
    const controller = new AbortController()
    const reason = new Error('stop')
    const taken = queue.take(controller)
    controller.abort(reason)
    await expect(taken).rejects.toBe(reason)
    await expect(queue.take(controller)).rejects.toBe(reason)
    queue.push(item(1, 1))
    expect(queue.size).toBe(1)
    expect(await take(queue)).toEqual(item(1, 1))
  })

  it('pauses when only seen items remain, and they stay in the queue', async () => {
    const queue = queueOf()
    for (const number of [1, 2]) queue.push(item(number, number))
    for (const _ of [1, 2]) queue.finish(await take(queue), true)
    expect(queue.isPaused).toBe(true)
    expect(queue.items().map(({ seen }) => seen)).toEqual([true, true])
    expect(await isSettled(take(queue))).toBe(false)
  })

  it('goes on with an unseen push, not with a seen one', async () => {
    const queue = queueOf()
    const taken = take(queue)
    queue.push(item(1, 9), { seen: true })
    expect(await isSettled(taken)).toBe(false)
    expect(queue.isPaused).toBe(true)
    queue.push(item(2, 1))
    expect(await taken).toEqual(item(2, 1))
  })

  it('goes on when woken: flags clear at once and the order is right again (S8)', async () => {
    const queue = queueOf()
    queue.push(item(1, 1))
    queue.push(item(2, 9), { seen: true })
    queue.push(item(3, 5), { seen: true })
    expect(numbers(queue)).toEqual([1, 2, 3])
    queue.wake()
    expect(queue.items().some(({ seen }) => seen)).toBe(false)
    expect(numbers(queue)).toEqual([2, 3, 1])
    expect((await take(queue)).profit).toBe(9n)
    expect((await take(queue)).profit).toBe(5n)
  })

  it('hands a seen item to who waits, when woken', async () => {
    const queue = queueOf()
    queue.push(item(1, 1), { seen: true })
    const taken = take(queue)
    queue.wake()
    expect(await taken).toEqual(item(1, 1))
  })

  it('hands out a single one that is woken, and leaves the others seen', async () => {
    const queue = queueOf()
    const taken = take(queue)
    queue.push(item(1, 1), { seen: true })
    queue.push(item(2, 9), { seen: true })
    queue.wakeOne({ requestId: requestIdOf(1), slotIndex: 0 })
    expect(await taken).toEqual(item(1, 1))
    queue.wakeOne({ requestId: requestIdOf(1), slotIndex: 0 })
    queue.wakeOne({ requestId: requestIdOf(3), slotIndex: 0 })
    expect(numbers(queue)).toEqual([2])
    expect(queue.isPaused).toBe(true)
    expect(queue.finish(item(1, 1), true)).toEqual({ is: 'queued' })
    expect(queue.items().map(({ seen }) => seen)).toEqual([true, true])
  })

  it('waits while suspended and fills meanwhile', async () => {
    const queue = queueOf()
    queue.suspend()
    const taken = take(queue)
    queue.push(item(1, 1))
    queue.wake()
    expect(await isSettled(taken)).toBe(false)
    expect(queue.size).toBe(1)
    queue.resume()
    expect(await taken).toEqual(item(1, 1))
  })

  it('leaves a worker to other clients while they wait, and none idle when nobody does', async () => {
    const queue = queueOf(128, 3)
    queue.offer(request(1, { client: 'rich' }, { pricePerBytePerSecond: 99n }))
    queue.offer(request(2, { client: 'poor' }))
    const taken = [await take(queue), await take(queue), await take(queue)]
    expect(taken.map(({ client }) => client)).toEqual(['rich', 'rich', 'poor'])
    // One that is done with its slots is first again.
    for (const each of taken.slice(0, 2)) queue.finish(each, false)
    expect((await take(queue)).client).toBe('rich')
    expect((await take(queue)).client).toBe('rich')
    expect((await take(queue)).client).toBe('poor')
    queue.offer(request(3, { client: 'rich' }))
    queue.remove(requestIdOf(2))
    expect((await take(queue)).client).toBe('rich')
  })
})

describe('an item that is being worked on', () => {
  async function taken(): Promise<{ queue: SlotQueue; it: SlotQueueItem }> {
    const queue = queueOf()
    queue.push(item(1, 1))
    return { queue, it: await take(queue) }
  }

  it('goes when decided', async () => {
    const { queue, it } = await taken()
    expect(queue.finish(it, false)).toBe(undefined)
    expect(queue.size).toBe(0)
  })

  it('comes back seen when nothing matched', async () => {
    const { queue, it } = await taken()
    expect(queue.finish(it, true)).toEqual({ is: 'queued' })
    expect(queue.items()).toEqual([{ ...it, seen: true }])
  })

  it('comes back unseen when terms changed meanwhile (T20)', async () => {
    const { queue, it } = await taken()
    queue.wake()
    queue.finish(it, true)
    expect(queue.items()).toEqual([{ ...it, seen: false }])
  })

  it('does not come back when it was removed meanwhile, alone or with its request', async () => {
    for (const index of [0, undefined]) {
      const { queue, it } = await taken()
      expect(queue.remove(it.requestId, index)).toBe(0)
      queue.finish(it, true)
      expect(queue.size).toBe(0)
    }
  })

  it('comes back, however decided, when it was pushed again meanwhile: the last word counts (T19)', async () => {
    for (const again of [true, false]) {
      const { queue, it } = await taken()
      const freed = { ...it, collateral: 9n }
      expect(queue.push(freed)).toEqual({ is: 'duplicate' })
      expect(queue.size).toBe(0)
      queue.finish(it, again)
      expect(queue.items()).toEqual([{ ...freed, seen: false }])
    }
    const { queue, it } = await taken()
    queue.push(it)
    queue.remove(it.requestId)
    queue.finish(it, true)
    expect(queue.size).toBe(0)
    const other = await taken()
    other.queue.remove(other.it.requestId)
    other.queue.push(other.it)
    other.queue.finish(other.it, false)
    expect(other.queue.size).toBe(1)
  })

  it('is finished once', async () => {
    const { queue, it } = await taken()
    queue.finish(it, false)
    expect(() => queue.finish(it, false)).toThrow('only what was taken is finished, and once')
  })
})

it('agrees with sorting a list, over any sequence', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('push' as const),
      number: fc.nat(20),
      slotIndex: fc.nat(2),
      profit: fc.nat(5),
      collateral: fc.bigInt(0n, 2n),
      expiry: fc.nat(3),
      seen: fc.boolean(),
    }),
    fc.record({
      do: fc.constant('remove' as const),
      number: fc.nat(20),
      slotIndex: fc.option(fc.nat(2), { nil: undefined }),
    }),
    fc.record({ do: fc.constant('expire' as const), now: fc.nat(3) }),
    fc.record({ do: fc.constant('wake' as const) }),
    fc.record({ do: fc.constant('wake one' as const), number: fc.nat(20), slotIndex: fc.nat(2) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = queueOf(1000)
      let list: (SlotQueueItem & { seen: boolean })[] = []
      for (const each of steps) {
        if (each.do === 'push') {
          const { number, slotIndex, profit, collateral, expiry, seen } = each
          const made = item(number, profit, { slotIndex, collateral, expiry })
          const isKnown = list.some((other) => other.requestId === made.requestId && other.slotIndex === slotIndex)
          expect(queue.push(made, { seen }).is).toBe(isKnown ? 'duplicate' : 'queued')
          if (!isKnown) list.push({ ...made, seen })
        } else if (each.do === 'remove') {
          const { slotIndex } = each
          const left = list.filter(
            (other) =>
              other.requestId !== requestIdOf(each.number) ||
              (slotIndex !== undefined && other.slotIndex !== slotIndex),
          )
          expect(queue.remove(requestIdOf(each.number), slotIndex)).toBe(list.length - left.length)
          list = left
        } else if (each.do === 'expire') {
          queue.removeExpired(each.now)
          list = list.filter(({ expiry }) => expiry >= each.now)
        } else if (each.do === 'wake one') {
          const slot = { requestId: requestIdOf(each.number), slotIndex: each.slotIndex }
          queue.wakeOne(slot)
          list = list.map((other) =>
            other.requestId === slot.requestId && other.slotIndex === slot.slotIndex
              ? { ...other, seen: false }
              : other,
          )
        } else {
          queue.wake()
          list = list.map((other) => ({ ...other, seen: false }))
        }
        const expected = list.toSorted((a, b) => Number(a.seen) - Number(b.seen) || compareItems(a, b))
        expect(queue.items()).toEqual(expected)
        expect(queue.isPaused).toBe(list.every(({ seen }) => seen))
      }
    }),
  )
})

it('does no more for a request of 65535 slots than there is room for, however many come', async () => {
  const queue = queueOf(128, 3)
  let longest = 0
  let pushes = 0
  const count = import.meta.env['LONG'] ? 100_000 : 1000
  for (let number = 0; number < count; number++) {
    // Each is richer than all before, so that every slot of it evicts one.
    const { queued, noRoom } = queue.offer(
      request(number, { client: `client ${number % 1000}` }, { slots: 65_535n, pricePerBytePerSecond: BigInt(number) }),
    )
    longest = Math.max(longest, queued + (65_535 - queued - noRoom))
    pushes += queued
    if (number % 64 === 0) await nextTask()
  }
  // What one call does is bounded by the queue's size, whatever the request says: time follows from that.
  expect(longest).toBeLessThanOrEqual(128)
  expect(pushes).toBeGreaterThan(count)
  expect(queue.size).toBe(128)
})
