// The validator over the fake chain: what it watches and what it marks. Names in brackets are the lines of the checklist (marketplace reference §7.2).

import { describe, expect, it } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { isInGroup } from '../../src/validation/validationgroup.ts'
import { Validator, type ValidatorSettings } from '../../src/validation/validator.ts'
import { FakeMarket, type MarketFaults } from '../fakes/fakemarket.ts'
import { COLLATERAL, SaleWorld, addressOf } from '../fakes/saleworld.ts'

const VALIDATOR = addressOf('validator')
const SLASH = COLLATERAL / 5n

class Validated {
  readonly sales = new SaleWorld()
  readonly validators: Validator[] = []
  readonly clocks: ManualClock[] = []
  isLazy = false

  validator(settings: ValidatorSettings = {}, faults?: MarketFaults): Validator {
    const clock = this.sales.clockOfAnother()
    const market = new FakeMarket(this.sales.net, VALIDATOR, clock, { faults })
    const log = new Log({ clock, levels: new LogLevels('error'), sinks: [] })
    const validator = new Validator({ market, clock, log }, settings)
    this.validators.push(validator)
    this.clocks.push(clock)
    return validator
  }

  /** Slots filled by a host that stops proving as soon as it is lazy. */
  async filled(slots = 1): Promise<SlotId[]> {
    const proveFault = () => (this.isLazy ? ({ is: 'fails' } as const) : undefined)
    const host = await this.sales.host('host', slots, { work: { proveFault } })
    await host.sales.start(this.sales.never)
    const asked = await this.sales.ask({ slots: BigInt(slots), maxSlotLoss: BigInt(slots) }, 3000n)
    const ids = Array.from({ length: slots }, (_, index) => asked.slot(index))
    await this.sales.runUntil(() => ids.every((id) => this.sales.state(id) === 'Filled'))
    await this.sales.run(20)
    return ids
  }

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

  it.each([0, 1, 2, 10])(
    'watches at most %i slots, 0 for all (never more than maxSlots; maxSlots 0)',
    async (maxSlots) => {
      const validated = new Validated()
      const validator = validated.validator({ maxSlots })
      await validator.start(validated.sales.never)
      const ids = await validated.filled(3)
      await validated.sales.run(150)
      expect(validator.watched).toHaveLength(maxSlots === 0 ? 3 : Math.min(3, maxSlots))
      expect(ids).toEqual(expect.arrayContaining([...validator.watched]))
      await validator.stop()
    },
  )

  it('watches its own group only, and the groups share all slots (other group not observed; without groups)', async () => {
    const validated = new Validated()
    const groups = [0, 1].map((groupIndex) => ({ groups: 2, groupIndex }))
    const [first, second, all] = [...groups, undefined].map((group) => validated.validator({ group }))
    for (const validator of validated.validators) await validator.start(validated.sales.never)
    const ids = await validated.filled(6)
    await validated.sales.run(150)
    const expected = groups.map((group) => ids.filter((id) => isInGroup(id, group)).sort())
    expect([[...(first?.watched ?? [])].sort(), [...(second?.watched ?? [])].sort()]).toEqual(expected)
    expect([...(all?.watched ?? [])].sort()).toEqual([...ids].sort())
    for (const validator of validated.validators) await validator.stop()
  })

  it('finds slots that were filled before it started, not those that are over, and drops those that end (history; dropped when finished or failed)', async () => {
    const validated = new Validated()
    const ids = await validated.filled(2)
    const validator = validated.validator()
    await validator.start(validated.sales.never)
    await validated.sales.run(150)
    expect([...validator.watched].sort()).toEqual([...ids].sort())
    await validated.sales.run(4000)
    expect(validator.watched).toEqual([])
    const late = validated.validator()
    await late.start(validated.sales.never)
    await validated.sales.run(150)
    expect(late.watched).toEqual([])
    await validator.stop()
    await late.stop()
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
    await validated.sales.run(200)
    expect(validator.watched).toEqual([])
    await validator.stop()
  })

  it('goes on when questions fail (errors logged per slot)', async () => {
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

  it('several with groups make a request fail when every proof is bad (integration)', async () => {
    const validated = new Validated()
    for (const groupIndex of [0, 1]) validated.validator({ group: { groups: 2, groupIndex } })
    for (const validator of validated.validators) await validator.start(validated.sales.never)
    const ids = await validated.filled(3)
    validated.isLazy = true
    await validated.sales.runUntil(() => ids.every((id) => validated.sales.state(id) !== 'Filled'))
    for (const validator of validated.validators) await validator.stop()
  })
})
