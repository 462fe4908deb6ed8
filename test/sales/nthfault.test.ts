/// <reference types="vite/client" />
// Whatever call of whatever port goes wrong, in whatever way: after restarts, one of which goes wrong while it recovers, every byte and every token
// is where it belongs. A sample in a normal run, everything with LONG=1.

import { describe, expect, it } from 'vitest'
import type { Seconds } from '../../src/lib/units.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import { PRICE, terms } from '../fakes/salesparts.ts'
import { COLLATERAL, SLOT_BYTES, type HostSettings, type SaleHost, SaleWorld } from '../fakes/saleworld.ts'
import { type Around, MARKET_STREAMS, MARKET_VERBS, TRIPS, type Trip, Tripwire } from '../fakes/tripwire.ts'

const PPS = PRICE * BigInt(SLOT_BYTES)
const IS_LONG = import.meta.env['LONG'] === '1'
/** Of a normal run, in each scenario: of every kind. */
const SAMPLES = 2 * TRIPS.length
const TICK_SECONDS: Seconds = 10
const LATE_SECONDS: Seconds = 90
/** How long a node lives on with what went wrong. */
const AFTERMATH_SECONDS: Seconds = 40
const ASK = { duration: 1000n }
const EXPIRY = 700n
/** Of all requests, restarts and what they take. */
const OVER_SECONDS: Seconds = 1700

interface Scenario {
  readonly host?: HostSettings
  readonly ask?: object
  /** Room of another host in the same world; it is never troubled. */
  readonly rival?: number
  /** Something that happens now and then. */
  readonly tick?: (world: SaleWorld, id: RequestId, rival: SaleHost | undefined) => void
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a slot that is sold, proven and paid': {},
  'another host that is quicker': { host: { work: { pieceSeconds: 120 } }, rival: 1 },
  'a client that stops at 99 %': { host: { work: { deliveryOf: () => 'stops at 99 %' } } },
  'a request that is cancelled with a slot of ours in it': { ask: { slots: 2n } },
  'a slot that the contract takes away': {
    tick: (world, id) => {
      if (world.clock.now() % 700 === 0)
        free(world, slotId(id, 0), world.net.marketplace.records.getHost(slotId(id, 0)))
    },
  },
  'a slot that another host lost, and we repair': {
    ask: { slots: 2n, maxSlotLoss: 1n },
    rival: 1,
    tick: (world, id, rival) => {
      rival?.sales.pause()
      if (rival !== undefined) for (const index of [0, 1]) free(world, slotId(id, index), rival.address)
    },
  },
}

describe.each(Object.keys(SCENARIOS).map((name, i) => [name, i] as const))('%s', (name, number) => {
  const scenario = SCENARIOS[name] as Scenario
  it('keeps every byte and token, whichever call goes wrong, however, and whatever the restarts meet (I1 to I4, I8, I10; T2, T8, T28, S2, S3)', async () => {
    const { calls } = await played(scenario, { at: 0, trip: 'fails' })
    expect(calls).toBeGreaterThan(20)
    for (const fault of IS_LONG ? all(calls) : some(calls, number)) await played(scenario, fault)
  }, 3_600_000)

  it.runIf(IS_LONG)(
    'and whichever call of the recovery goes wrong too, however the first run ended (I10)',
    async () => {
      const { calls } = await played(scenario, { at: 0, trip: 'fails' })
      for (const [i, fault] of some(calls, number).entries()) {
        const { recoveryCalls } = await played(scenario, fault, { at: 0, trip: 'fails' })
        expect(recoveryCalls).toBeGreaterThan(0)
        for (let at = 1; at <= recoveryCalls; at++) await played(scenario, fault, { at, trip: tripOf(at + i) })
      }
    },
    7_200_000,
  )
})

it('goes wrong at every verb of the chain that sales use', () => {
  const sources = import.meta.glob<string>('/src/sales/*.ts', { query: '?raw', import: 'default', eager: true })
  const used = Object.values(sources).flatMap((source) =>
    Array.from(source.matchAll(/\bmarket\s*\.\s*(\w+)\(/g), ([, verb = '']) => verb),
  )
  expect(used.length).toBeGreaterThan(MARKET_VERBS.length)
  const wired: readonly string[] = [...MARKET_VERBS, ...MARKET_STREAMS, ...ANSWERED_AT_ONCE]
  expect([...new Set(used)].filter((verb) => !wired.includes(verb))).toEqual([])
})

/** Of what the node knows itself: nothing is asked of anybody. */
const ANSWERED_AT_ONCE = ['openIntents', 'spending', 'endpointStatus']

interface Fault {
  /** The call, counted from 1; none for 0. */
  readonly at: number
  readonly trip: Trip
}

function all(calls: number): Fault[] {
  return TRIPS.flatMap((trip) => Array.from({ length: calls }, (_, i) => ({ at: i + 1, trip })))
}

/** Spread over the calls, some of every kind, each at another place in every scenario. */
function some(calls: number, number: number): Fault[] {
  return Array.from({ length: SAMPLES }, (_, i) => ({
    at: 1 + Math.floor(((i + 0.1 + number / 10) * calls) / SAMPLES),
    trip: tripOf(number * SAMPLES + i),
  }))
}

function tripOf(number: number): Trip {
  return TRIPS[number % TRIPS.length] as Trip
}

/** How many calls of a recovery are tried where not all are. */
const RECOVERY_SAMPLES = 50

async function played(
  { host: settings, ask, rival: rivalSlots = 0, tick }: Scenario,
  fault: Fault,
  again: Fault = { at: 1 + ((fault.at * 7) % RECOVERY_SAMPLES), trip: tripOf(fault.at) },
): Promise<{ readonly calls: number; readonly recoveryCalls: number }> {
  const world = new SaleWorld()
  const ending = new AbortController()
  const { signal } = ending
  const rival = rivalSlots > 0 ? await world.host('rival', rivalSlots) : undefined
  await rival?.sales.start({ signal })
  const troubled = new Life(world, fault, signal)
  let host = await world.host('host', 1, { ...settings, around: troubled.around })
  troubled.host = host
  troubled.isArmed = true
  const had = world.balance(host.address)
  await host.sales.start({ signal })
  const { id } = await world.ask({ ...ASK, ...ask }, EXPIRY)
  let last: Life | undefined
  let recovering: Life | undefined
  const end = world.clock.now() + OVER_SECONDS
  while (world.clock.now() < end || (recovering !== undefined && world.clock.now() < end + OVER_SECONDS)) {
    await world.run(TICK_SECONDS)
    tick?.(world, id, rival)
    if (last !== undefined || !(recovering ?? troubled).isToEnd(world.clock.now())) continue
    if (recovering === undefined) {
      troubled.cut()
      const life = (recovering = new Life(world, again, signal))
      // Not awaited: it may die while it opens its store. Where that fails it does not start at all.
      reborn(world, host, settings, life).catch(() => life.cut())
    } else {
      recovering.cut()
      last = new Life(world, { at: 0, trip: 'fails' }, signal)
      host = await reborn(world, recovering.host ?? host, settings, last)
    }
  }
  if (last === undefined) host = recovering?.host ?? host
  // What the test itself asks is none of the node's calls.
  for (const life of [troubled, recovering]) if (life !== undefined) life.isArmed = false
  const wires = [troubled.wire, recovering?.wire].map((wire) => wire?.tripped)
  const what = `${fault.trip}, call ${fault.at}: ${wires[0]}; then ${again.trip}, call ${again.at}: ${wires[1]}`
  await expectAllThere(world, host, had, what)
  await rival?.sales.stop()
  // What was cut off waits for ever, and would be kept in memory for as long.
  ending.abort()
  return { calls: troubled.wire.calls, recoveryCalls: recovering?.wire.calls ?? 0 }
}

/** One run of the host, from its start to its crash. */
class Life {
  readonly wire: Tripwire
  /** Of all that runs in its world. */
  readonly signal: AbortSignal
  host: SaleHost | undefined
  isDown = false
  /** When it is to be cut off. */
  #endsAt: Seconds | undefined
  /** Before that nothing goes wrong, and nothing is counted: an owner whose availability cannot be made is told so, and there is none. */
  isArmed = false
  readonly around: Around = (name, call) => (this.isArmed ? this.wire.around(name, call) : call())

  constructor(world: SaleWorld, fault: Fault, signal: AbortSignal) {
    this.signal = signal
    this.wire = new Tripwire({
      ...fault,
      power: () => {
        this.isDown = true
        if (this.host !== undefined) world.cutOff(this.host)
      },
      wait: async () => {
        const { clock } = this.host ?? {}
        await clock?.until(clock.now() + LATE_SECONDS, { signal })
      },
    })
  }

  /** Something went wrong, and it has lived on with that for long enough. */
  isToEnd(now: Seconds): boolean {
    if (this.isDown) return true
    if (this.wire.tripped !== undefined) this.#endsAt ??= now + AFTERMATH_SECONDS
    return this.#endsAt !== undefined && now >= this.#endsAt
  }

  cut(): void {
    this.wire.cut()
  }
}

async function reborn(
  world: SaleWorld,
  before: SaleHost,
  settings: HostSettings | undefined,
  life: Life,
): Promise<SaleHost> {
  life.isArmed = true
  const host = await world.restart(before, { ...settings, around: life.around })
  life.host = host
  await host.sales.start(life)
  return host
}

/** Bytes and collateral to the last one, and the money on chain accounts for the rest. */
async function expectAllThere(world: SaleWorld, host: SaleHost, had: bigint, what: string): Promise<void> {
  const { reservations, repo } = host.parts
  expect(reservations.reservations(), what).toEqual([])
  const [availability, ...others] = reservations.availabilities()
  const total = availability?.totalCollateral ?? 0n
  expect(others, what).toEqual([])
  expect(availability, what).toMatchObject({
    freeSize: SLOT_BYTES,
    totalSize: SLOT_BYTES,
    totalRemainingCollateral: total,
  })
  expect(await reservations.check(world.never), what).toEqual([])
  expect((await repo.recount(world.never)).problems, what).toEqual([])
  expect(await repo.space(), what).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: SLOT_BYTES })
  const lost = terms(1).totalCollateral - total
  const { earned, saved } = gainsOf(world, host)
  expect(world.balance(host.address) - had, what).toBe(earned + saved - lost)
  expect(world.net.openIntents(host.address), what).toEqual([])
  await host.sales.stop()
  expect(host.clock.waiting, what).toBe(0)
}

/** What the chain paid for slots, and what repairs took less. */
function gainsOf(world: SaleWorld, { address }: SaleHost): { readonly earned: bigint; readonly saved: bigint } {
  const { records } = world.net.marketplace
  let [earned, saved] = [0n, 0n]
  const events = world.net.standing(0)
  const freed = new Set(events.flatMap((event) => (event.type === 'SlotFreed' ? [event.slotId] : [])))
  const filled = new Set(events.flatMap((event) => (event.type === 'SlotFilled' ? [event.slotId] : [])))
  for (const id of filled) {
    const slot = records.slots.get(id)
    if (slot?.host !== address || slot.state !== 'Paid') continue
    const { state, endsAt, expiresAt } = records.known(slot.requestId)
    earned += ((state === 'Finished' || state === 'Started' ? endsAt : expiresAt) - slot.filledAt) * PPS
    if (freed.has(id)) saved += COLLATERAL / 10n
  }
  return { earned, saved }
}

function free(world: SaleWorld, id: SlotId, host: string): void {
  if (world.state(id) === 'Filled' && world.net.marketplace.records.getHost(id) === host)
    world.act(host as `0x${string}`, () => world.net.marketplace.freeSlot(host, id))
}
