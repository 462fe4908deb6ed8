// Random calls on the marketplace contract and on its likeness in memory: same results, events, balances and answers. While at it, laws
// that hold whatever is called: the money adds up, nobody is paid twice, states move only along the drawing.

import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_CONFIGURATION, type MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import { RandomCalls, randomNumbers } from './randomcalls.ts'
import { TestChain, type Transfer } from './testchain.ts'
import { type Call, describe, type Step, Twins } from './twins.ts'

const LONG = (import.meta.env['LONG'] ?? '') !== ''
// Of the first fourteen these three meet the most between them, and among it all that the last test asks for.
const SEEDS = LONG ? Array.from({ length: 300 }, (_, i) => i + 1) : [1, 7, 12]
const STEPS = LONG ? 200 : 90
const QUESTIONS_PER_STEP = 8
const TOKENS = 10n ** 24n

let chain: TestChain
beforeAll(async () => {
  let stop = async (): Promise<void> => undefined
  chain = await TestChain.start((ending) => (stop = ending))
  return () => stop()
})

/** Short, so that much happens in few steps; some with odd values that the constructor lets pass. */
function configurationFor(random: (end: number) => number): MarketplaceConfiguration {
  const pick = (...values: readonly number[]): number => values[random(values.length)] ?? 0
  const slashPercentage = pick(0, 10, 33, 50)
  return {
    ...DEFAULT_CONFIGURATION,
    collateral: {
      repairRewardPercentage: pick(0, 10, 33, 100),
      slashPercentage,
      maxNumberOfSlashes: pick(0, 1, 2, 2),
      validatorRewardPercentage: pick(0, 20, 100),
    },
    proofs: {
      ...DEFAULT_CONFIGURATION.proofs,
      period: pick(7, 10, 16),
      timeout: pick(5, 30, 100),
      downtime: pick(0, 0, 64, 128),
      downtimeProduct: pick(67, 97, 255),
    },
    reservations: { maxReservations: pick(1, 2, 3, 3) },
    requestDurationLimit: pick(400, 1000),
  }
}

/** What time alone may do to a state, and what a transaction may; staying is always allowed. */
const BY_TIME: Readonly<Record<string, readonly number[]>> = {
  requestState: [0, 2, 1, 3],
  slotState: [1, 5, 1, 2, 6, 5, 6, 2],
}
const BY_CALL: Readonly<Record<string, readonly number[]>> = {
  requestState: [0, 1, 1, 4],
  slotState: [0, 1, 1, 6, 6, 1, 1, 3, 6, 3, 2, 4, 5, 4],
}

function mayMove(moves: readonly number[], from: number, to: number): boolean {
  return from === to || moves.some((start, i) => i % 2 === 0 && start === from && moves[i + 1] === to)
}

/** The state of each request and slot, by id. */
type States = ReadonlyMap<string, { readonly call: string; readonly state: number }>

/** The laws, from what a watcher of the chain can see. */
class Laws {
  readonly #marketplace: string
  /** Of the marketplace. */
  #balance = 0n
  readonly #paidSlots = new Set<string>()
  readonly #withdrawn = new Set<string>()
  /** Per request: what the client paid in, and what came out of it again, to whomever. */
  readonly #prices = new Map<string, bigint>()
  readonly #spent = new Map<string, bigint>()
  readonly counted = new Map<string, number>()
  /** After the latest step. */
  states: States = new Map()

  constructor(marketplace: string) {
    this.#marketplace = marketplace
  }

  look(
    calls: RandomCalls,
    twins: Twins,
    call: Call,
    { error, transfers }: Step,
    requestId: RequestId | undefined,
  ): void {
    this.#count(`${call.kind} ${error === undefined ? 'ok' : error.replace(/\(.*/, '')}`)
    for (const { name } of twins.fakeChain.events(twins.fakeChain.latest.number)) this.#count(name)
    for (const { from, to, amount } of transfers) {
      if (to === this.#marketplace) this.#balance += amount
      if (from === this.#marketplace) this.#balance -= amount
    }
    if (error !== undefined) return expect(transfers).toEqual([])
    if (call.kind === 'requestStorage' && requestId !== undefined) this.#prices.set(requestId, sum(transfers))
    if (call.kind === 'withdrawFunds') {
      expect(this.#withdrawn).not.toContain(call.id)
      this.#withdrawn.add(call.id)
      this.#spend(call.id, sum(transfers))
    }
    if (call.kind === 'freeSlot' && transfers.length > 0) {
      expect(this.#paidSlots).not.toContain(call.slotId)
      this.#paidSlots.add(call.slotId)
      const id = requestOf(calls, call.slotId)
      this.#spend(id, transfers[0]?.amount ?? 0n)
      expect(transfers[1]?.amount).toBe(twins.fake.records.currentCollateral(call.slotId))
    }
  }

  balanceIs(balance: bigint | undefined): void {
    expect(balance).toBe(this.#balance)
  }

  /** Once everything is settled: of each request as much came out as went in. */
  settled(calls: RandomCalls, states: States): void {
    for (const id of calls.requests) {
      if (!this.#withdrawn.has(id)) continue
      const slots = calls.slotsOf(id)
      // A slot filled in the last second before the expiry of a request that is cancelled can never be paid.
      const isStuck = slots.some((slot) => states.get(slot)?.state === 5)
      const [spent, price] = [this.#spent.get(id) ?? 0n, this.#prices.get(id) ?? 0n]
      if (isStuck) expect(spent).toBeLessThanOrEqual(price)
      else expect([id, spent]).toEqual([id, price])
    }
  }

  #spend(id: string, amount: bigint): void {
    const spent = (this.#spent.get(id) ?? 0n) + amount
    this.#spent.set(id, spent)
    expect(spent <= (this.#prices.get(id) ?? 0n)).toBe(true)
  }

  #count(what: string): void {
    this.counted.set(what, (this.counted.get(what) ?? 0) + 1)
  }
}

function sum(transfers: readonly Transfer[]): bigint {
  return transfers.reduce((total, { amount }) => total + amount, 0n)
}

function requestOf(calls: RandomCalls, slotId: SlotId): RequestId {
  const id = calls.requests.find((known) => calls.slotsOf(known).includes(slotId))
  if (id === undefined) throw new Error(`found no request of ${slotId}`)
  return id
}

async function statesOf(calls: RandomCalls, twins: Twins, nextTime?: number): Promise<States> {
  const questions = calls.states()
  const answers = await twins.compare(questions, nextTime)
  return new Map(
    questions.map(({ call, args }, i) => [String(args[0]), { call, state: Number((answers[i] as unknown[])[0]) }]),
  )
}

function expectMoves(moves: Readonly<Record<string, readonly number[]>>, before: States, after: States): void {
  for (const [id, { call, state }] of before) {
    const next = after.get(id)?.state ?? -1
    if (!mayMove(moves[call] ?? [], state, next)) throw new Error(`${call} of ${id} moved from ${state} to ${next}`)
  }
}

/** One step on both, with all that is to be looked at before and after. */
async function step(twins: Twins, calls: RandomCalls, laws: Laws, by: string, call: Call, time: number): Promise<void> {
  const then = await statesOf(calls, twins, time)
  expectMoves(BY_TIME, laws.states, then)
  const done = await twins.perform(by, call, time)
  const submitted = call.kind === 'requestStorage' && done.error === undefined
  const id = submitted ? (twins.fakeChain.events(twins.fakeChain.latest.number)[0]?.values[0] as RequestId) : undefined
  if (id !== undefined) calls.requests.push(id)
  laws.look(calls, twins, call, done, id)
  laws.states = await statesOf(calls, twins)
  expectMoves(BY_CALL, then, laws.states)
}

/** After everything is over, everybody collects what there is. */
async function settle(twins: Twins, calls: RandomCalls, laws: Laws): Promise<void> {
  const end = Math.max(0, ...calls.requests.map((id) => Number(twins.fake.records.known(id).endsAt)))
  const time = Math.max(chain.now, end + 1)
  for (const id of calls.requests) {
    for (const slotId of calls.slotsOf(id)) {
      const by = twins.fake.records.getHost(slotId)
      if (chain.accounts.includes(by)) await step(twins, calls, laws, by, { kind: 'freeSlot', slotId }, time)
    }
    await step(twins, calls, laws, twins.fake.records.getRequest(id).client, { kind: 'withdrawFunds', id }, time)
  }
  laws.settled(calls, await statesOf(calls, twins))
}

const counted = new Map<string, number>()

test.each(SEEDS)('the fake is as the contract, seed %i', async (seed) => {
  onTestFinished(await chain.snapshot())
  const random = randomNumbers(seed)
  const people = chain.accounts.slice(0, 5)
  const twins = await Twins.create(chain, configurationFor(random), people, TOKENS)
  const calls = new RandomCalls(twins, people, random)
  const laws = new Laws(twins.fake.address)
  for (const by of people) await twins.perform(by, { kind: 'approve', amount: 10n ** 30n }, chain.now)
  for (let i = 0; i < STEPS; i++) {
    const { by, call } = calls.next()
    try {
      if (random(4) === 0) await twins.mineMany(1 + random(60))
      await step(twins, calls, laws, by, call, calls.nextTime())
      laws.balanceIs((await twins.compareBalances(people)).at(-1))
      await twins.compare(calls.questions(QUESTIONS_PER_STEP), random(2) === 0 ? undefined : calls.nextTime())
    } catch (cause) {
      throw new Error(`seed ${seed}, step ${i}, ${describe(call)} by ${by}: ${String(cause)}`, { cause })
    }
  }
  for (const { by, call } of calls.refused()) await step(twins, calls, laws, by, call, chain.now)
  await settle(twins, calls, laws)
  laws.balanceIs((await twins.compareBalances(people)).at(-1))
  for (const [what, times] of laws.counted) counted.set(what, (counted.get(what) ?? 0) + times)
})

test('the random calls have met what there is to meet', () => {
  const wanted = [
    ...[
      'requestStorage',
      'reserveSlot',
      'fillSlot',
      'submitProof',
      'freeSlot',
      'markProofAsMissing',
      'withdrawFunds',
    ].map((kind) => `${kind} ok`),
    ...['StorageRequested', 'RequestFulfilled', 'RequestFailed', 'RequestCancelled', 'SlotFilled', 'SlotFreed'],
    ...['SlotReservationsFull', 'ProofSubmitted'],
    'requestStorage Marketplace_InvalidClientAddress',
    'requestStorage Marketplace_InvalidExpiry',
    'requestStorage Marketplace_DurationExceedsLimit',
    'reserveSlot SlotReservations_ReservationNotAllowed',
    'fillSlot Marketplace_UnknownRequest',
    'fillSlot Marketplace_ReservationRequired',
    'fillSlot Marketplace_SlotNotFree',
    'fillSlot Proofs_InvalidProof',
    'submitProof Marketplace_ProofNotSubmittedByHost',
    'submitProof Marketplace_UnknownRequest',
    'submitProof Proofs_ProofAlreadySubmitted',
    'freeSlot Marketplace_SlotIsFree',
    'freeSlot Marketplace_InvalidSlotHost',
    'freeSlot Marketplace_AlreadyPaid',
    'markProofAsMissing Marketplace_SlotNotAcceptingProofs',
    'markProofAsMissing Proofs_PeriodNotEnded',
    'markProofAsMissing Proofs_ProofNotMissing',
    'markProofAsMissing Proofs_ProofNotRequired',
    'withdrawFunds Marketplace_InvalidState',
    'withdrawFunds Marketplace_NothingToWithdraw',
    'withdrawFunds Marketplace_InvalidClientAddress',
  ]
  expect(wanted.filter((what) => !counted.has(what))).toEqual([])
})
