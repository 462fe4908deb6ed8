// A validator that knows of more slots than any fake chain would fill in a test: what the market says of them is made up.

import { expect, it } from 'vitest'
import { raceAbort } from '../../src/lib/abort.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { SlotState } from '../../src/market/chainstates.ts'
import type { MarketEvent } from '../../src/market/marketevent.ts'
import type { MarkOutcome } from '../../src/market/market.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import { Validator } from '../../src/validation/validator.ts'
import { MAX_KNOWN_SLOTS } from '../../src/validation/watchedslots.ts'
import { FakeMarket } from '../fakes/fakemarket.ts'
import { addressOf, SaleWorld } from '../fakes/saleworld.ts'

const BLOCK_SECONDS = 12

function slot(number: number): SlotId {
  return `0x${number.toString(16).padStart(64, '0')}` as SlotId
}

function validatorOf(filled: number, stateOf: (id: SlotId) => SlotState) {
  const world = new SaleWorld()
  const clock = world.clockOfAnother()
  const market = new FakeMarket(world.net, addressOf('validator'), clock)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  market.events = async function* ({ signal }) {
    for (let slotIndex = 0; slotIndex < filled; slotIndex++)
      yield {
        type: 'SlotFilled',
        requestId: slot(0) as string as RequestId,
        slotIndex,
        slotId: slot(slotIndex),
        block: 1,
        blockHash: slot(1),
      } as unknown as MarketEvent
    await raceAbort(new Promise(() => undefined), signal)
  }
  market.slotDuties = async (ids) => {
    const period = world.periods.periodOf(clock.now())
    return ids.map((slotId) => ({ slotId, state: stateOf(slotId), period, duty: undefined }))
  }
  market.hostOf = async () => addressOf('host')
  return { world, clock, market, validator: new Validator({ market, clock, log }) }
}

it('marks what a host with a hundred slots missed while the contract takes it', async () => {
  const { world, clock, market, validator } = validatorOf(100, () => 'Filled')
  const marked = new Set<string>()
  const isMarkable = (period: number): boolean =>
    clock.now() < world.periods.endOf(period) + market.terms.proofs.timeout
  market.canMarkProofAsMissing = async (id, period) => isMarkable(period) && !marked.has(`${id}/${period}`)
  market.markProofAsMissing = async (id, period): Promise<MarkOutcome> => {
    const { signal } = new AbortController()
    await clock.until(clock.now() + BLOCK_SECONDS, { signal })
    if (!isMarkable(period)) return { done: false, why: 'too late', sentence: 'the time is over' }
    marked.add(`${id}/${period}`)
    return {
      done: true,
      transaction: { hash: slot(2), block: 1, blockHash: slot(1), gasUsed: 1n, feeWei: 0n },
    }
  }
  await validator.start(world.never)
  const first = world.periods.periodOf(clock.now()) + 1
  await world.run(400)
  await validator.stop()
  for (const period of [first, first + 1])
    expect([...marked].filter((what) => what.endsWith(`/${period}`)).length).toBe(100)
})

it('of what history tells the slots that are over make room for one that is filled', async () => {
  const now = slot(MAX_KNOWN_SLOTS)
  const { world, market, validator } = validatorOf(MAX_KNOWN_SLOTS + 1, (id) => (id === now ? 'Filled' : 'Finished'))
  market.canMarkProofAsMissing = async () => false
  await validator.start(world.never)
  await world.run(130)
  expect(validator.watched).toEqual([now])
  await validator.stop()
}, 30_000)

it('does not forget a slot for what a block says that is older than its filling', async () => {
  let staleUntil = Infinity
  const { world, clock, market, validator } = validatorOf(2, () => 'Filled')
  const real = market.slotDuties
  market.canMarkProofAsMissing = async () => false
  const period = world.periods.periodOf(clock.now())
  market.slotDuties = async (ids, options) =>
    clock.now() >= staleUntil
      ? real(ids, options)
      : ids.map((slotId) => ({ slotId, state: 'Free', period, duty: undefined }))
  staleUntil = world.periods.endOf(period) + 60
  await validator.start(world.never)
  await world.run(360)
  expect(validator.watched).toEqual([slot(0), slot(1)])
  await validator.stop()
})
