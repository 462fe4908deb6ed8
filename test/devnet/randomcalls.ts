// Draws calls of a marketplace at random from a seed: mostly such as could succeed, now and then such as cannot. Not a test.

import { slotId as slotIdOf } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageRequestInput } from '../../src/protocol/request.ts'
import { type Call, type Question, type Twins, VIEWS } from './twins.ts'

const UNKNOWN = `0x${'77'.repeat(32)}` as RequestId
const NOBODY = `0x${'0'.repeat(40)}`
const MAX_REQUESTS = 6
const MAX_UINT64 = 2n ** 64n - 1n

/** Whole numbers from 0 up to `end`, always the same for the same seed. */
export function randomNumbers(seed: number): (end: number) => number {
  let state = BigInt(seed) * 2n + 1n
  return (end) => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n
    return Number((state >> 33n) % BigInt(end))
  }
}

export interface Act {
  readonly by: string
  readonly call: Call
}

export class RandomCalls {
  readonly requests: RequestId[] = []
  readonly #twins: Twins
  readonly #people: readonly string[]
  readonly #random: (end: number) => number
  #nonce = 0

  constructor(twins: Twins, people: readonly string[], random: (end: number) => number) {
    this.#twins = twins
    this.#people = people
    this.#random = random
  }

  /** Who does what: mostly something that may well succeed, now and then what is always refused. */
  next(): Act {
    if (this.requests.length === 0) return this.#submit()
    if (this.#oneIn(10)) return this.#pick(this.#filledAgain())?.() ?? this.#anything()
    const promising = this.#oneIn(4) ? [] : this.#promising()
    return this.#pick(promising)?.() ?? this.#anything()
  }

  /** One of each that is refused whatever the state: rare among random calls, and to be met in each run all the same. */
  refused(): Act[] {
    const [by = NOBODY, other = NOBODY] = this.#people
    const request = this.#request(by)
    const submit = (changes: Partial<StorageRequestInput>): Act => ({
      by,
      call: { kind: 'requestStorage', request: { ...request, ...changes } },
    })
    const id = this.requests[0] ?? UNKNOWN
    const client = id === UNKNOWN ? by : this.#twins.fake.records.getRequest(id).client
    const stranger = this.#people.find((person) => person !== client) ?? other
    return [
      submit({ client: other }),
      submit({ expiry: request.ask.duration }),
      submit({ ask: { ...request.ask, duration: MAX_UINT64 } }),
      { by, call: { kind: 'fillSlot', id: UNKNOWN, slotIndex: 0n, proof: 'any' } },
      { by: stranger, call: { kind: 'withdrawFunds', id } },
    ]
  }

  /** The time of the next block: soon, in another period, or next to an instant that matters. */
  nextTime(): number {
    const { now } = this.#twins.chain
    const { period } = this.#twins.fake.configuration.proofs
    const ahead = this.#instants().filter((instant) => instant >= now)
    switch (this.#random(16)) {
      case 0:
      case 1:
        return now + 1 + this.#random(3)
      case 2:
      case 3:
      case 4:
        return (Math.floor(now / period) + 1) * period + this.#random(3)
      case 5:
        if (!this.#oneIn(3)) return now
        return ahead.length === 0 ? now : (ahead[this.#random(ahead.length)] ?? now) + this.#random(2)
      case 6:
        return now + this.#random(period)
      default:
        return now
    }
  }

  /** Some of all that can be asked. */
  questions(howMany: number): Question[] {
    return Array.from({ length: howMany }, () => {
      const call = VIEWS[this.#random(VIEWS.length)] ?? 'mySlots'
      const [id, slotIndex] = this.#slot()
      const slot = slotIdOf(id, slotIndex)
      return { from: this.#person(), call, args: this.#argumentsOf(call, id, slotIndex, slot) }
    })
  }

  /** Requests and slots there are, for asking each for its state. */
  states(): Question[] {
    const from = this.#people[0] ?? NOBODY
    return this.requests.flatMap((id) => [
      { from, call: 'requestState' as const, args: [id] },
      ...this.slotsOf(id).map((slotId) => ({ from, call: 'slotState' as const, args: [slotId] })),
    ])
  }

  slotsOf(id: RequestId): SlotId[] {
    const slots = Number(this.#twins.fake.records.getRequest(id).ask.slots)
    return Array.from({ length: slots }, (_, i) => slotIdOf(id, i))
  }

  #submit(): Act {
    const by = this.#person()
    return { by, call: { kind: 'requestStorage', request: this.#request(by) } }
  }

  /** By kind first, so that what many slots allow does not crowd out what few do. */
  #promising(): (() => Act)[] {
    const kinds = new Map<string, (() => Act)[]>()
    const add = (kind: string, act: () => Act): void => void kinds.set(kind, [...(kinds.get(kind) ?? []), act])
    if (this.requests.length < MAX_REQUESTS) add('request', () => this.#submit())
    for (const id of this.requests) {
      const state = this.#twins.fake.records.requestState(id)
      if (state === 'New' || state === 'Started')
        this.slotsOf(id).forEach((slotId, i) => this.#addOpen(id, slotId, i, add))
      else if (this.#twins.fake.records.known(id).fundsToReturn > 0n)
        add('withdraw', () => ({ by: this.#client(id), call: this.#withdrawal(id) }))
      for (const slotId of this.slotsOf(id)) this.#addHosted(slotId, add)
    }
    return [...kinds.values()].flatMap((acts) => this.#pick(acts) ?? [])
  }

  #addOpen(id: RequestId, slotId: SlotId, index: number, add: (kind: string, act: () => Act) => void): void {
    const { fake } = this.#twins
    if (!fake.records.isOpen(slotId)) return
    const slotIndex = BigInt(index)
    const proof = this.#oneIn(10) ? 'zero' : 'any'
    const reservers = fake.reserversOf(slotId)
    add('reserve', () => ({ by: this.#person(), call: { kind: 'reserveSlot', id, slotIndex } }))
    const by = this.#pick(reservers)
    if (by !== undefined) add('fill', () => ({ by, call: { kind: 'fillSlot', id, slotIndex, proof } }))
  }

  /** By who reserved it: a slot that is filled already, or one with a proof that does not hold; a proof by another than its host. */
  #filledAgain(): (() => Act)[] {
    return this.requests.flatMap((id) =>
      this.slotsOf(id).flatMap((slotId, i) => {
        const { fake } = this.#twins
        const slotIndex = BigInt(i)
        const proof = fake.records.isOpen(slotId) ? 'zero' : 'any'
        const fills = fake.reserversOf(slotId).map((by) => (): Act => {
          return { by, call: { kind: 'fillSlot', id, slotIndex, proof } }
        })
        const host = fake.records.getHost(slotId)
        const by = this.#people.find((person) => person !== host) ?? NOBODY
        const foreign = (): Act => ({ by, call: { kind: 'submitProof', slotId, proof: 'any' } })
        return host === NOBODY ? fills : [...fills, foreign]
      }),
    )
  }

  #addHosted(slotId: SlotId, add: (kind: string, act: () => Act) => void): void {
    const { records } = this.#twins.fake
    const [by, state] = [records.getHost(slotId), records.slotState(slotId)]
    if (!this.#people.includes(by) || state === 'Paid') return
    if (state !== 'Filled' || this.#oneIn(4)) add('free', () => ({ by, call: this.#release(slotId) }))
    if (state !== 'Filled') return
    const proof = this.#oneIn(10) ? 'zero' : 'any'
    add('prove', () => ({ by, call: { kind: 'submitProof', slotId, proof } }))
    for (const kind of ['mark', 'mark too']) {
      add(kind, () => ({ by: this.#person(), call: { kind: 'markProofAsMissing', slotId, period: this.#period() } }))
    }
  }

  /** Whatever comes to mind. */
  #anything(): Act {
    const [id, slotIndex] = this.#slot()
    const slotId = slotIdOf(id, slotIndex)
    const host = this.#twins.fake.records.getHost(slotId)
    const owner = host === NOBODY || this.#oneIn(4) ? this.#person() : host
    const by = this.#person()
    switch (this.#random(8)) {
      case 0:
        return { by, call: { kind: 'approve', amount: this.#oneIn(2) ? 10n ** 30n : 10n ** BigInt(this.#random(6)) } }
      case 1:
        return { by, call: { kind: 'reserveSlot', id, slotIndex } }
      case 2:
        return { by, call: { kind: 'fillSlot', id, slotIndex, proof: 'any' } }
      case 3:
        return { by: owner, call: { kind: 'submitProof', slotId, proof: 'any' } }
      case 4:
        return { by: owner, call: this.#release(slotId) }
      case 5:
        return { by, call: { kind: 'markProofAsMissing', slotId, period: this.#period() } }
      case 6:
        return { by: this.#client(id), call: this.#withdrawal(id) }
      default:
        return this.requests.length < MAX_REQUESTS ? this.#submit() : { by, call: this.#release(slotId) }
    }
  }

  #release(slotId: SlotId): Call {
    if (this.#oneIn(2)) return { kind: 'freeSlot', slotId }
    return { kind: 'freeSlot', slotId, recipients: [this.#recipient(), this.#recipient()] }
  }

  #argumentsOf(call: Question['call'], id: RequestId, slotIndex: bigint, slot: SlotId): readonly unknown[] {
    if (call === 'myRequests' || call === 'mySlots') return []
    if (call === 'canReserveSlot') return [id, slotIndex]
    if (call === 'canMarkProofAsMissing') return [slot, this.#period()]
    return [call.includes('equest') ? id : slot]
  }

  #request(by: string): StorageRequestInput {
    const slots = 1 + this.#random(3)
    const duration = 150 + this.#random(300)
    const ask = {
      proofProbability: BigInt(1 + this.#random(5)),
      pricePerBytePerSecond: BigInt(1 + this.#random(9)),
      collateralPerByte: BigInt(1 + this.#random(99)),
      slots: BigInt(slots),
      slotSize: BigInt(this.#random(40)),
      duration: BigInt(duration),
      maxSlotLoss: BigInt(this.#random(slots + 1)),
    }
    const content = { cid: new Uint8Array(1 + this.#random(70)).fill(this.#nonce), merkleRoot: `0x${'5a'.repeat(32)}` }
    const nonce = `0x${(++this.#nonce).toString(16).padStart(64, '0')}`
    const request = { client: by, ask, content, expiry: BigInt(duration - 1 - this.#random(duration - 1)), nonce }
    return this.#oneIn(4) ? this.#spoiled(request) : request
  }

  /** One member as it may not be, or as large as can be written. */
  #spoiled(request: StorageRequestInput): StorageRequestInput {
    const names = Object.keys(request.ask) as (keyof StorageRequestInput['ask'])[]
    const name = names[this.#random(names.length)] ?? 'slots'
    switch (this.#random(4)) {
      case 0:
        return { ...request, ask: { ...request.ask, [name]: 0n } }
      case 1:
        return { ...request, ask: { ...request.ask, [name]: MAX_UINT64 } }
      case 2:
        return { ...request, expiry: request.ask.duration }
      default:
        return { ...request, client: this.#person(), content: { ...request.content, cid: new Uint8Array() } }
    }
  }

  #slot(): [RequestId, bigint] {
    const id = this.requests[this.#random(Math.max(1, this.requests.length))]
    if (id === undefined || this.#oneIn(25)) return [UNKNOWN, BigInt(this.#random(3))]
    const { slots } = this.#twins.fake.records.getRequest(id).ask
    return [id, this.#oneIn(25) ? (this.#oneIn(2) ? slots : MAX_UINT64) : BigInt(this.#random(Number(slots)))]
  }

  #withdrawal(id: RequestId): Call {
    return { kind: 'withdrawFunds', id, ...(this.#oneIn(2) && { recipient: this.#recipient() }) }
  }

  #client(id: RequestId): string {
    return id === UNKNOWN || this.#oneIn(8) ? this.#person() : this.#twins.fake.records.getRequest(id).client
  }

  #period(): bigint {
    const current = BigInt(Math.floor(this.#twins.chain.now / this.#twins.fake.configuration.proofs.period))
    if (this.#oneIn(30)) return MAX_UINT64
    return current - BigInt(this.#oneIn(4) ? this.#random(4) : 1)
  }

  #instants(): number[] {
    return this.requests.flatMap((id) => {
      const { records } = this.#twins.fake
      return [Number(records.requestExpiry(id)), Number(records.known(id).endsAt)]
    })
  }

  #recipient(): string {
    return this.#oneIn(10) ? NOBODY : this.#person()
  }

  #person(): string {
    return this.#people[this.#random(this.#people.length)] ?? NOBODY
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#random(Math.max(1, list.length))]
  }

  #oneIn(chances: number): boolean {
    return this.#random(chances) === 0
  }
}
