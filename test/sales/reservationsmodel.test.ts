// The accounting against a model of a page: any sequence of commands, crashes at any commit included, gives the same accounts to the byte and
// the smallest token unit; and commands at once never break an invariant.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { Availability, AvailabilityId } from '../../src/sales/availability.ts'
import type { ReservationId } from '../../src/sales/reservation.ts'
import type { CommitFault } from '../fakes/faultydatastore.ts'
import { NEVER } from '../fakes/memorystore.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import { PRICE, blocksOf, requestIdOf, restarted, salesParts, slot } from '../fakes/salesparts.ts'
import { AccountsModel, type Terms } from './accountsmodel.ts'

/** So small that blocks of ended slots that others still need often leave no room. */
const SETTINGS = { quotaBytes: 1200, settlePages: 1 }
const SLOT_BYTES = 500
/** Blocks by number; three sizes. */
const sizeOf = (block: string): number => 100 * (1 + (Number(block) % 3))
const INDICES = [0, 1, 2, 128, 256, 384] as const

interface Fault {
  readonly fault: CommitFault
  readonly commit: number
  readonly dies: boolean
}

interface Real {
  parts: SalesParts
}

/** Something to do to both: `undefined` when the model says it makes no sense now. */
type Act = (
  model: AccountsModel,
) => { on: (real: Real, model: AccountsModel) => Promise<void>; name: string } | undefined

/** Runs one act on the real accounts, with or without a fault, and on the model as far as it must have happened. */
class Command implements fc.AsyncCommand<{ now: AccountsModel }, Real> {
  readonly #act: Act
  readonly #fault: Fault | undefined
  #name = ''

  constructor(act: Act, fault: Fault | undefined) {
    this.#act = act
    this.#fault = fault
  }

  check(model: Readonly<{ now: AccountsModel }>): boolean {
    return this.#act(model.now) !== undefined
  }

  async run(model: { now: AccountsModel }, real: Real): Promise<void> {
    const act = this.#act(model.now)
    if (act === undefined) return
    this.#name = act.name
    const before = model.now.copy()
    const { faults } = real.parts
    if (this.#fault !== undefined) faults.failAt(this.#fault.commit, this.#fault.fault, this.#fault.dies)
    const isFaulty = (error: unknown): boolean => CodexError.is(error, 'datastore/failed')
    const failed = await act.on(real, model.now).then(
      () => false,
      (error: unknown) => {
        if (!isFaulty(error)) throw error
        return true
      },
    )
    // Whether it landed is told by what is stored, and it must be all or nothing.
    if (failed || this.#fault !== undefined) {
      real.parts = await restarted(real.parts, SETTINGS)
      expect(real.parts.alerts).toEqual([])
      await real.parts.reservations.settleBegun({ signal: NEVER })
    }
    if (failed && this.#fault?.fault === 'refused' && this.#fault.commit === 1) model.now = before
    await expectSame(real, model.now)
  }

  toString(): string {
    const { fault, commit, dies } = this.#fault ?? {}
    return this.#fault === undefined ? this.#name : `${this.#name} [${fault} at ${commit}${dies ? ', dies' : ''}]`
  }
}

async function expectSame({ parts }: Real, model: AccountsModel): Promise<void> {
  const { reservations, repo } = parts
  const byId = (a: Availability, b: Availability): number => (a.id < b.id ? -1 : 1)
  expect(reservations.availabilities().sort(byId)).toEqual(model.availabilities.sort(byId))
  const slots = reservations
    .reservations()
    .map(({ requestId, slotBytes, size, collateral }) => [String(BigInt(requestId)), { slotBytes, size, collateral }])
  const expected = [...model.slots].map(([name, { slotBytes, size, collateral }]) => [
    name,
    { slotBytes, size, collateral },
  ])
  expect(Object.fromEntries(slots)).toEqual(Object.fromEntries(expected))
  expect(await repo.space()).toMatchObject({ quotaUsedBytes: model.used, quotaReservedBytes: model.reserved })
  expect(await reservations.check({ signal: NEVER })).toEqual([])
}

/** The model follows where the real one agreed; they must agree on whether it may be. Faults pass through, the model having followed. */
async function both(isAllowed: boolean, work: () => Promise<unknown>): Promise<void> {
  const done = await work().then(
    (answer) => answer !== undefined,
    (error: unknown) => {
      if (CodexError.is(error, 'datastore/failed')) throw error
      expect(error).toMatchObject({ code: expect.stringMatching(/^reservations\//) as unknown })
      return false
    },
  )
  expect(done).toBe(isAllowed)
}

const pick = <T>(from: Iterable<T>, at: number): T | undefined => {
  const all = [...from]
  return all[at % Math.max(1, all.length)]
}
const done = { done: true }
const reservationOf = (parts: SalesParts, name: string): ReservationId =>
  parts.reservations.reservationOf(requestIdOf(Number(name)), 0)?.id as ReservationId

const create = fc
  .record({ size: fc.constantFrom(300, 600, 1200), perByte: fc.nat(4), enabled: fc.boolean() })
  .map(({ size, perByte, enabled }): Act => () => ({
    name: `create ${size} bytes, ${perByte} per byte${enabled ? '' : ', disabled'}`,
    on: async ({ parts }, model) => {
      const known = new Set(model.terms.keys())
      const terms = {
        totalSize: size,
        duration: 3600,
        minPricePerBytePerSecond: PRICE,
        totalCollateral: BigInt(size * perByte + 1),
        enabled,
        until: 0,
      }
      // Its id is not known before; a crash may keep it from being told at all.
      const room = model.room
      const note = async (reservations: SalesParts['reservations']): Promise<void> => {
        const made = reservations.availabilities().find(({ id }) => !known.has(id))
        if (made !== undefined) expect(model.create({ id: made.id, ...terms } as Terms)).toBe(true)
      }
      try {
        await both(size <= room, () => parts.reservations.create(terms))
      } catch (error) {
        await note((await restarted(parts, SETTINGS)).reservations)
        throw error
      }
      await note(parts.reservations)
    },
  }))

const change = fc
  .record({
    at: fc.nat(9),
    totalSize: fc.oneof(fc.constantFrom(300, 1200), fc.integer({ min: 1, max: 1400 })),
    collateral: fc.bigInt(1n, 9000n),
    what: fc.nat(3),
  })
  .map(({ at, totalSize, collateral, what }): Act => (model) => {
    const id = pick(model.terms.keys(), at) as AvailabilityId | undefined
    if (id === undefined) return undefined
    const enabled = model.terms.get(id)?.enabled !== true
    const changes = [{ totalSize }, { totalCollateral: collateral }, { enabled }, { duration: 3600 + at }][what] ?? {}
    return {
      name: `change ${Object.keys(changes).join()} of ${at}`,
      on: ({ parts }, now) => both(now.change(id, changes), () => parts.reservations.change(id, changes)),
    }
  })

const remove = fc.nat(9).map((at): Act => (model) => {
  const id = pick(model.terms.keys(), at) as AvailabilityId | undefined
  if (id === undefined) return undefined
  return {
    name: `delete ${at}`,
    on: ({ parts }, now) => both(now.delete(id), () => parts.reservations.delete(id).then(() => done)),
  }
})

const reserve = fc
  .record({
    request: fc.integer({ min: 1, max: 6 }),
    bytes: fc.integer({ min: 100, max: SLOT_BYTES }),
    perByte: fc.nat(3),
  })
  .map(({ request, bytes, perByte }): Act => (model) => {
    if (model.slots.has(String(request))) return undefined
    const wanted = slot(request, 0, { slotSize: BigInt(bytes), collateralPerByte: BigInt(perByte) })
    return {
      name: `reserve ${bytes} bytes for ${request}`,
      on: ({ parts }, now) => both(now.reserve(String(request), wanted), () => parts.reservations.reserve(wanted)),
    }
  })

const put = fc
  .record({
    at: fc.nat(9),
    places: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 4 }),
  })
  .map(({ at, places }): Act => (model) => {
    const name = pick(model.slots.keys(), at)
    if (name === undefined) return undefined
    // The same blocks in every slot, and one of them twice.
    const pairs = places.map((place) => [INDICES[place] ?? 0, String(place % 5)] as const)
    return {
      name: `put ${pairs.map(([index, block]) => `${block} at ${index}`).join(', ')} into ${name}`,
      on: async ({ parts }, now) => {
        const id = reservationOf(parts, name)
        const bytes = (await Promise.all(pairs.map(([, block]) => blocksOf([Number(block)], sizeOf(block))))).flat()
        const indices = pairs.map(([index]) => index)
        await both(now.put(name, pairs), () => parts.reservations.put(id, bytes, { indices }))
      },
    }
  })

const settle = fc.record({ at: fc.nat(9), part: fc.bigInt(0n, 4n) }).map(({ at, part }): Act => (model) => {
  const name = pick(model.slots.keys(), at)
  if (name === undefined) return undefined
  return {
    name: `settle ${name} with ${part} quarters`,
    on: ({ parts }, now) => {
      const due = ((now.slots.get(name)?.collateral ?? 0n) * part) / 4n
      const id = reservationOf(parts, name)
      return both(now.settle(name, due), () => parts.reservations.settle(id, due))
    },
  }
})

/** Some more often, so that accounts fill up before they are changed. */
const acts = [create, change, remove, reserve, reserve, reserve, reserve, put, put, put, put, put, settle, settle]
const fault = fc.record({
  fault: fc.constantFrom('refused' as const, 'lost answer' as const),
  commit: fc.integer({ min: 1, max: 2 }),
  dies: fc.boolean(),
})
const commands = acts.map((act) =>
  fc.tuple(act, fc.option(fault, { nil: undefined, freq: 4 })).map((parts) => new Command(...parts)),
)

it('agrees with a model of a page, through crashes between commits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 50, size: 'max' }), async (run) => {
      const model = { now: new AccountsModel(SETTINGS.quotaBytes, sizeOf) }
      const real = { parts: await salesParts(SETTINGS) }
      const all = { totalSize: SETTINGS.quotaBytes, duration: 3600, minPricePerBytePerSecond: PRICE }
      const { id } = await real.parts.reservations.create({ ...all, totalCollateral: 5000n })
      model.now.create({ ...all, totalCollateral: 5000n, id, enabled: true, until: 0 })
      await fc.asyncModelRun(() => ({ model, real }), run)
      expect((await real.parts.repo.recount({ signal: NEVER })).problems).toEqual([])
    }),
    { numRuns: import.meta.env['LONG'] ? 3000 : 40 },
  )
})

const atOnce = fc.oneof(
  fc.record({ do: fc.constant('reserve' as const), request: fc.nat(9) }),
  fc.record({ do: fc.constant('put' as const), request: fc.nat(9), blocks: fc.array(fc.nat(4), { maxLength: 3 }) }),
  fc.record({ do: fc.constant('settle' as const), request: fc.nat(9), due: fc.bigInt(0n, 500n) }),
  fc.record({ do: fc.constant('resize' as const), totalSize: fc.integer({ min: 1, max: 1400 }) }),
)

it('keeps every invariant when all happens at once (T1, T2, S5), also when a commit fails', async () => {
  const faults = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom<CommitFault[]>('refused', 'lost answer')),
    { maxLength: 2 },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(atOnce, { maxLength: 12 }), { maxLength: 6 }),
      faults,
      async (rounds, planned) => {
        const parts = await salesParts(SETTINGS)
        const { reservations } = parts
        const { id } = await reservations.create({
          totalSize: 1200,
          duration: 3600,
          minPricePerBytePerSecond: PRICE,
          totalCollateral: 1200n,
        })
        for (const [n, what] of planned) parts.faults.failAt(n, what)
        for (const round of rounds) {
          const answers = await Promise.allSettled(
            round.map(async (act) => {
              const known = 'request' in act ? reservations.reservationOf(requestIdOf(act.request), 0) : undefined
              if (act.do === 'resize') return reservations.change(id, { totalSize: act.totalSize })
              if (act.do === 'reserve')
                return reservations.reserve(slot(act.request, 0, { slotSize: 400n, collateralPerByte: 1n }))
              if (known === undefined) return undefined
              if (act.do === 'settle') return reservations.settle(known.id, act.due)
              const blocks = (
                await Promise.all(act.blocks.map((block) => blocksOf([block], sizeOf(String(block)))))
              ).flat()
              return reservations.put(known.id, blocks, { indices: act.blocks })
            }),
          )
          for (const answer of answers)
            if (answer.status === 'rejected')
              expect(String((answer.reason as CodexError).code)).toMatch(/^(reservations\/|datastore\/failed)/)
          expect(await reservations.check({ signal: NEVER })).toEqual([])
        }
        // Each planned fault may hit one more of them.
        for (let time = 0; time <= planned.length; time++)
          for (const each of reservations.reservations())
            await reservations.settle(each.id, 'all').catch(() => undefined)
        expect(reservations.reservations()).toEqual([])
        expect(await reservations.check({ signal: NEVER })).toEqual([])
        expect((await parts.repo.recount({ signal: NEVER })).problems).toEqual([])
        const [left] = reservations.availabilities()
        expect(left).toMatchObject({ freeSize: left?.totalSize, totalRemainingCollateral: left?.totalCollateral })
        expect(await parts.repo.space()).toMatchObject({ totalBlocks: 0, quotaReservedBytes: left?.totalSize })
      },
    ),
    { numRuns: import.meta.env['LONG'] ? 2000 : 40 },
  )
})
