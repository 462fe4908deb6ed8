// Thousands of requests, each richer than all before and of as many slots as there may be, and some that match and break: the main thread is never
// held up (I13, T38), nothing is kept back, and an honest request is served behind them. LONG=1 sends ten times as many, and looks at
// the clock.

import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { requestId } from '../../src/protocol/ids.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { COLLATERAL, SLOT_BYTES, SaleWorld, addressOf } from '../fakes/saleworld.ts'
import { COLLATERAL_PER_BYTE, PRICE } from '../fakes/salesparts.ts'

const IS_LONG = import.meta.env['LONG'] === '1'
/** In one block: few where the time of the made-up chain would be counted too. */
const BATCH = IS_LONG ? 25 : 250
/** Of so many one matches what the host offers, and has no data. The others want more collateral than the host puts at stake. */
const FLOODS = [
  ['some match', IS_LONG ? 10_000 : 1000, IS_LONG ? 2500 : 250],
  ['all match', IS_LONG ? 20_000 : 2000, 1],
] as const
const CLIENTS = 1000
/** Slots put into the queue between two turns of the event loop: several times what the listener allows itself. */
const MAX_PER_TURN = 3072
const P99_MS = 50
/** Of the event loop, in which a batch is heard and its baits are looked at. */
const MAX_TASKS = 20_000

it.each(FLOODS)(
  'hostile requests by the thousand, of which %s and break, hold up nobody: other tasks have their turns in between (I13, T38)',
  async (_, count, matching) => {
    const isAll = matching === 1
    /** The queue has room for the best only where all are good. */
    const tried = isAll ? 1 / 8 : 1
    const world = new SaleWorld()
    const host = await world.host('host', 2)
    const baits = new Set<RequestId>()
    const broken = new Set<RequestId>()
    host.work.look = async ({ request }) => {
      const id = requestId(request)
      if (!baits.has(id)) return
      broken.add(id)
      throw new CodexError('exchange/stalled', 'nobody gives it')
    }
    // As over a wire: an answer is a task of its own.
    const { request, requestEnd } = host.market
    host.market.request = (...args) => nextImmediate().then(() => request.apply(host.market, args))
    host.market.requestEnd = (...args) => nextImmediate().then(() => requestEnd.apply(host.market, args))
    let turns = 0
    let isOver = false
    /** Of processor time: what others do on the machine is no delay of ours. */
    const turnsMs: number[] = []
    const countTurns = async (): Promise<void> => {
      for (; !isOver; turns++) {
        const before = process.cpuUsage()
        await nextImmediate()
        const { user, system } = process.cpuUsage(before)
        turnsMs.push((user + system) / 1000)
      }
    }
    const queuedIn = new Map<number, number>()
    const heard = new Set<RequestId>()
    const offer = host.sales.queue.offer.bind(host.sales.queue)
    host.sales.queue.offer = (...args) => {
      const outcome = offer(...args)
      heard.add(args[0].requestId)
      queuedIn.set(turns, (queuedIn.get(turns) ?? 0) + outcome.queued)
      return outcome
    }
    await host.sales.start(world.never)
    void countTurns()
    for (let from = 0; from < count; from += BATCH) {
      for (let number = from; number < from + BATCH; number++) {
        const isBait = number % matching === 0
        const honest = world.request({ pricePerBytePerSecond: PRICE + BigInt(isBait && !isAll ? 2 * count : number) })
        const ask = {
          ...honest.ask,
          ...(isBait ? {} : { slots: 65_535n, collateralPerByte: 2n * COLLATERAL_PER_BYTE }),
        }
        const request = { ...honest, ask, client: addressOf(`client ${number % CLIENTS}`) }
        const id = world.tell(request)
        if (isBait) baits.add(id)
      }
      await world.run(10)
      for (let tasks = 0; tasks < MAX_TASKS && (heard.size < from + BATCH || broken.size < baits.size * tried); tasks++)
        await nextTask()
    }
    isOver = true
    const queued = [...queuedIn.values()]
    expect(queued.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(MAX_PER_TURN * 2)
    expect(Math.max(...queued)).toBeLessThan(MAX_PER_TURN)
    const p99Ms = turnsMs.sort((a, b) => a - b)[Math.floor(turnsMs.length * 0.99)]
    if (IS_LONG) expect(p99Ms).toBeLessThan(P99_MS)

    expect(heard.size).toBe(count)
    expect(broken.size).toBeGreaterThanOrEqual(baits.size * tried)
    const isBack = (): boolean => host.parts.reservations.reservations().length === 0
    await world.runUntil(isBack)
    expect(host.parts.reservations.availabilities()).toMatchObject([
      { freeSize: 2 * SLOT_BYTES, totalRemainingCollateral: 2n * COLLATERAL },
    ])
    const { slot } = await world.ask({ pricePerBytePerSecond: PRICE + BigInt(3 * count) }, 3000n)
    await world.runUntil(() => world.state(slot(0)) === 'Filled')
    await world.run(30)
    await host.sales.stop()
    expect(await host.parts.reservations.check(world.never)).toEqual([])
  },
  900_000,
)

function nextImmediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
