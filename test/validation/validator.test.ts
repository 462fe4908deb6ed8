// The validator over the fake chain: what it watches and what it marks. Names in brackets are the lines of the checklist (marketplace reference §7.2).

import { describe, expect, it } from 'vitest'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import type { RequestId, SlotId, StorageAsk } from '../../src/protocol/request.ts'
import { isInGroup } from '../../src/validation/validationgroup.ts'
import { Validator, type ValidatorSettings } from '../../src/validation/validator.ts'
import { FakeMarket, type MarketFaults } from '../fakes/fakemarket.ts'
import { COLLATERAL, type SaleHost, SaleWorld, addressOf } from '../fakes/saleworld.ts'

const VALIDATOR = addressOf('validator')
const SLASH = COLLATERAL / 5n

class Validated {
  readonly sales = new SaleWorld()
  readonly validators: Validator[] = []
  readonly clocks: ManualClock[] = []
  readonly logged: LogRecord[] = []
  isLazy = false

  validator(
    settings: ValidatorSettings = {},
    faults?: MarketFaults,
    change: (market: FakeMarket) => void = () => undefined,
  ): Validator {
    const clock = this.sales.clockOfAnother()
    const market = new FakeMarket(this.sales.net, VALIDATOR, clock, { faults })
    change(market)
    const log = new Log({ clock, levels: new LogLevels('info'), sinks: [(record) => this.logged.push(record)] })
    const validator = new Validator({ market, clock, log }, settings)
    this.validators.push(validator)
    this.clocks.push(clock)
    return validator
  }

  /** Slots filled by a host that stops proving as soon as it is lazy. */
  async filled(slots = 1, ask: Partial<StorageAsk> = {}): Promise<SlotId[]> {
    const proveFault = () => (this.isLazy ? ({ is: 'fails' } as const) : undefined)
    const host = await this.sales.host(`host ${++this.#hosts}`, slots, { work: { proveFault } })
    this.hosts.push(host)
    await host.sales.start(this.sales.never)
    const asked = await this.sales.ask({ slots: BigInt(slots), maxSlotLoss: BigInt(slots), ...ask }, 800n)
    const ids = Array.from({ length: slots }, (_, index) => asked.slot(index))
    await this.sales.runUntil(() => ids.every((id) => this.sales.state(id) === 'Filled'))
    await this.sales.run(20)
    return ids
  }

  readonly hosts: SaleHost[] = []
  #hosts = 0

  collateralOf(id: SlotId): bigint {
    return this.sales.net.marketplace.records.currentCollateral(id)
  }
}

describe('a validator', () => {
  it('watches nothing at first; leaves nothing behind, also when it never started (empty at first; stop is safe)', async () => {
    const validated = new Validated()
    const validator = validated.validator()
    expect(validator.watched).toEqual([])
    await validator.stop()
    await validator.start(validated.sales.never)
    await validator.stop()
    expect(validated.clocks[0]?.waiting).toBe(0)
  })

  it.each<[ValidatorSettings, string]>([
    [{ group: { groups: 4, groupIndex: 4 } }, 'validation/bad-group'],
    [{ group: { groups: 4, groupIndex: 5 } }, 'validation/bad-group'],
    [{ group: { groups: 1, groupIndex: 0 } }, 'validation/bad-group'],
    [{ group: { groups: 65_536, groupIndex: 0 } }, 'validation/bad-group'],
    [{ maxSlots: -1 }, 'validation/bad-max-slots'],
    [{ maxSlots: 1.5 }, 'validation/bad-max-slots'],
  ])('refuses %j, naming the value (bad group index and negative maxSlots refused)', (settings, code) => {
    const validated = new Validated()
    expect(() => validated.validator(settings)).toThrow(expect.objectContaining({ code }))
  })

  const GROUPS = [0, 1].map((groupIndex) => ({ groups: 2, groupIndex }))
  it('watches at most so many slots, 0 for all, and its own group only, whether they are filled later or were before (never more than maxSlots; maxSlots 0; other group not observed; without groups; history: same limit and group rules)', async () => {
    const validated = new Validated()
    const limits = [0, 1, 2, 10]
    const startSome = async (): Promise<Validator[]> => {
      const some = [
        ...limits.map((maxSlots) => validated.validator({ maxSlots })),
        ...GROUPS.map((group) => validated.validator({ group })),
        validated.validator(),
        validated.validator({ group: GROUPS[1], maxSlots: 1 }),
      ]
      for (const each of some) await each.start(validated.sales.never)
      return some
    }
    const early = await startSome()
    const ids = await validated.filled(6)
    const late = await startSome()
    await validated.sales.run(150)
    const [first = [], second = []] = GROUPS.map((group) => ids.filter((id) => isInGroup(id, group)))
    expect([first.length > 0, second.length > 1]).toEqual([true, true])
    for (const each of [early, late]) {
      expect(each.map(({ watched }) => watched.length)).toEqual([6, 1, 2, 6, first.length, second.length, 6, 1])
      const [all, one, two, , own, others, , oneOfOwn] = each.map(({ watched }) => [...watched].sort())
      expect([all, own, others]).toEqual([ids, first, second].map((some) => [...some].sort()))
      expect(ids).toEqual(expect.arrayContaining([...(one ?? []), ...(two ?? [])]))
      expect(second).toEqual(expect.arrayContaining(oneOfOwn ?? []))
    }
    for (const validator of validated.validators) await validator.stop()
  })

  it('finds slots that were filled before it started, not those that are over (history: excludes finished and failed)', async () => {
    const validated = new Validated()
    const { sales, hosts } = validated
    const [finished] = await validated.filled(1, { duration: 900n })
    // Its host is gone, so that nobody collects it.
    sales.cutOff(hosts[0] as SaleHost)
    await sales.run(900)
    const [lost, failed] = await validated.filled(2, { maxSlotLoss: 0n })
    await fail(validated, lost)
    const running = await validated.filled(2)
    expect([finished, failed].map((id) => sales.state(id as SlotId))).toEqual(['Finished', 'Failed'])
    const validator = validated.validator()
    await validator.start(sales.never)
    await sales.run(150)
    expect([...validator.watched].sort()).toEqual([...running].sort())
    await validator.stop()
  })

  it('leaves the slots of its own host to others', async () => {
    const validated = new Validated()
    const [id = '' as SlotId] = await validated.filled()
    const own = validated.validator({}, undefined, (market) => {
      Object.assign(market, { host: validated.hosts[0]?.address })
    })
    await own.start(validated.sales.never)
    await validated.sales.run(130)
    validated.isLazy = true
    await validated.sales.run(300)
    expect([own.watched, validated.collateralOf(id)]).toEqual([[id], COLLATERAL])
    const other = validated.validator()
    await other.start(validated.sales.never)
    await validated.sales.run(200)
    expect(validated.collateralOf(id)).toBeLessThan(COLLATERAL)
    await Promise.all([own.stop(), other.stop()])
  })

  it('drops slots that end (dropped when finished or failed)', async () => {
    const validated = new Validated()
    const { sales } = validated
    const validator = validated.validator()
    await validator.start(sales.never)
    const [finishing] = await validated.filled(1, { duration: 1500n })
    const [lost, failing] = await validated.filled(2, { maxSlotLoss: 0n })
    const running = await validated.filled(1)
    await sales.run(150)
    expect([...validator.watched].sort()).toEqual([finishing, lost, failing, ...running].sort())
    await fail(validated, lost)
    await sales.run(150)
    expect([...validator.watched].sort()).toEqual([finishing, ...running].sort())
    await sales.run(1500)
    expect(validator.watched).toEqual(running)
    await validator.stop()
  })

  it('looks no further back than the longest request may last (history: 30-day limit)', async () => {
    const validated = new Validated()
    const old = await validated.filled()
    await validated.sales.run(600)
    const recent = await validated.filled()
    const watched = []
    // Months of blocks are too many for a test: the limit is said to be shorter.
    for (const requestDurationLimit of [30 * 24 * 3600, 500]) {
      const validator = validated.validator({}, undefined, (market) =>
        Object.defineProperty(market, 'terms', { value: { ...market.terms, requestDurationLimit } }),
      )
      await validator.start(validated.sales.never)
      await validated.sales.run(150)
      watched.push(validator.watched)
      await validator.stop()
    }
    expect(watched).toEqual([[...old, ...recent], recent])
  })

  it('marks a missed proof right after its period, and is paid for it; marks nothing that was proven (missed proof marked; not when not markable)', async () => {
    const validated = new Validated()
    const [id] = await validated.filled()
    const validator = validated.validator()
    await validator.start(validated.sales.never)
    if (id === undefined) throw new Error('there is one')
    await validated.sales.run(600)
    expect(validated.collateralOf(id)).toBe(COLLATERAL)
    validated.isLazy = true
    await validated.sales.runUntil(() => validated.collateralOf(id) < COLLATERAL)
    expect(validated.collateralOf(id)).toBe(COLLATERAL - SLASH)
    const { periods, net, clock } = validated.sales
    expect(clock.now() - periods.startOf(periods.periodOf(clock.now()))).toBeLessThan(30)
    expect(net.token.balanceOf(VALIDATOR)).toBe(SLASH / 5n)
    await validated.sales.runUntil(() => validated.sales.state(id) === 'Repair')
    await validated.sales.run(300)
    expect(validator.watched).toEqual([])
    await validator.stop()
  })

  it('one slot that cannot be asked about, or marked, is told by its name, and holds up no other (errors logged per slot)', async () => {
    const validated = new Validated()
    const ids = await validated.filled(3)
    const [unasked, unmarked, other] = ids as [SlotId, SlotId, SlotId]
    const validator = validated.validator({}, undefined, (market) => {
      const { canMarkProofAsMissing, markProofAsMissing } = market
      market.canMarkProofAsMissing = async (id, ...rest) => {
        if (id === unasked) throw new Error('no answer')
        return canMarkProofAsMissing.call(market, id, ...rest)
      }
      market.markProofAsMissing = async (id, ...rest) => {
        if (id === unmarked) throw new Error('not sent')
        return markProofAsMissing.call(market, id, ...rest)
      }
    })
    await validator.start(validated.sales.never)
    validated.isLazy = true
    await validated.sales.runUntil(() => validated.sales.state(other) === 'Repair')
    expect([unasked, unmarked].map((id) => validated.collateralOf(id))).toEqual([COLLATERAL, COLLATERAL])
    const told = validated.logged.flatMap(({ level, message, fields }) =>
      level === 'warn' && message === 'could not check the proof of a slot'
        ? [[fields['slotId'], fields['error']]]
        : [],
    )
    const named = (id: SlotId, message: string) => [id, expect.objectContaining({ message })]
    expect(told).toEqual(expect.arrayContaining([named(unasked, 'no answer'), named(unmarked, 'not sent')]))
    expect(told.map(([id]) => id)).not.toContain(other)
    await validator.stop()
  })

  it('goes on when questions fail, whichever they are', async () => {
    const validated = new Validated()
    const [id] = await validated.filled()
    let calls = 0
    const validator = validated.validator({}, { call: () => (++calls % 5 === 0 ? { is: 'fails' } : undefined) })
    await validator.start(validated.sales.never)
    validated.isLazy = true
    if (id === undefined) throw new Error('there is one')
    await validated.sales.runUntil(() => validated.sales.state(id) === 'Repair')
    await validator.stop()
  })

  it('several with groups make a request fail when every proof is bad, which none of them could alone (integration)', async () => {
    const validated = new Validated()
    for (const group of GROUPS) await validated.validator({ group }).start(validated.sales.never)
    const { sales } = validated
    const ids = await validated.filled(4, { maxSlotLoss: 3n })
    // Every slot has to be lost, and each group has some.
    for (const group of GROUPS) expect(ids.some((id) => isInGroup(id, group))).toBe(true)
    const requestId = sales.net.marketplace.records.slots.get(ids[0] as SlotId)?.requestId as RequestId
    const state = () =>
      sales.net.chain.view(() => sales.net.marketplace.records.requestState(requestId), sales.clock.now())
    validated.isLazy = true
    await sales.run(1200)
    expect(state()).toBe('Failed')
    for (const validator of validated.validators) await validator.stop()
  })
})

/** The request of the slot fails with it, which its host gives up. */
async function fail({ sales, hosts }: Validated, id: SlotId | undefined): Promise<void> {
  if (id === undefined) throw new Error('there is one')
  const owner = sales.net.marketplace.records.getHost(id)
  const host = hosts.find(({ address }) => address === owner)
  const giving = host?.market.abandon(id, sales.never)
  await sales.run(60)
  await giving
}
