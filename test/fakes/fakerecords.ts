// What the marketplace of the fake chain remembers, and the states that follow from it and from the time. Who may change it is in
// fakemarketplace.ts.

import type { RequestId, SlotId, StorageRequest } from '../../src/protocol/request.ts'
import { ChainRevert, requireThat } from './chainrevert.ts'
import { ChainMap, type FakeChain } from './fakechain.ts'

export type RequestState = 'New' | 'Started' | 'Cancelled' | 'Finished' | 'Failed'
export type SlotState = 'Free' | 'Filled' | 'Finished' | 'Failed' | 'Paid' | 'Cancelled' | 'Repair'

export interface RequestRecord {
  readonly request: StorageRequest
  readonly state: RequestState
  readonly slotsFilled: bigint
  /** Absolute, in seconds. */
  readonly expiresAt: bigint
  readonly endsAt: bigint
  readonly fundsToReturn: bigint
}

export interface SlotRecord {
  readonly requestId: RequestId
  readonly slotIndex: bigint
  readonly state: SlotState
  readonly host: string
  readonly filledAt: bigint
  readonly missed: bigint
  readonly collateral: bigint
}

export const NOBODY = `0x${'0'.repeat(40)}`

export class FakeRecords {
  readonly chain: FakeChain
  readonly requests: ChainMap<RequestRecord>
  readonly slots: ChainMap<SlotRecord>
  readonly #requestsOf: ChainMap<readonly string[]>
  readonly #slotsOf: ChainMap<readonly string[]>

  constructor(chain: FakeChain) {
    this.chain = chain
    this.requests = new ChainMap(chain)
    this.slots = new ChainMap(chain)
    this.#requestsOf = new ChainMap(chain)
    this.#slotsOf = new ChainMap(chain)
  }

  /** Of the executing block. */
  get now(): bigint {
    return BigInt(this.chain.executing.time)
  }

  known(id: RequestId | undefined): RequestRecord {
    const record = id === undefined ? undefined : this.requests.get(id)
    if (record === undefined) throw new ChainRevert('Marketplace_UnknownRequest')
    return record
  }

  requestState(id: RequestId): RequestState {
    const { state, expiresAt, endsAt } = this.known(id)
    if (state === 'New' && this.now > expiresAt) return 'Cancelled'
    if ((state === 'New' || state === 'Started') && this.now > endsAt) return 'Finished'
    return state
  }

  slotState(id: SlotId): SlotState {
    const slot = this.slots.get(id)
    if (slot === undefined) return 'Free'
    if (slot.state === 'Paid') return 'Paid'
    const state = this.requestState(slot.requestId)
    return state === 'New' || state === 'Started' ? slot.state : state
  }

  requestEnd(id: RequestId): bigint {
    const { expiresAt, endsAt } = this.known(id)
    const state = this.requestState(id)
    if (state === 'New' || state === 'Started') return endsAt
    if (state === 'Cancelled') return expiresAt
    return endsAt < this.now ? endsAt : this.now
  }

  requestExpiry(id: RequestId): bigint {
    return this.requests.get(id)?.expiresAt ?? 0n
  }

  getRequest(id: RequestId): StorageRequest {
    return this.known(id).request
  }

  getActiveSlot(id: SlotId): { readonly request: StorageRequest; readonly slotIndex: bigint } {
    const slot = this.slots.get(id)
    if (slot === undefined) throw new ChainRevert('Marketplace_SlotIsFree')
    return { request: this.known(slot.requestId).request, slotIndex: slot.slotIndex }
  }

  getHost(id: SlotId): string {
    return this.slots.get(id)?.host ?? NOBODY
  }

  currentCollateral(id: SlotId): bigint {
    return this.slots.get(id)?.collateral ?? 0n
  }

  missingProofs(id: SlotId): bigint {
    return this.slots.get(id)?.missed ?? 0n
  }

  myRequests(sender: string): readonly string[] {
    return this.#requestsOf.get(sender) ?? []
  }

  mySlots(sender: string): readonly string[] {
    return this.#slotsOf.get(sender) ?? []
  }

  isOpen(id: SlotId): boolean {
    return ['Free', 'Repair'].includes(this.slotState(id))
  }

  /** The slot, which must have been filled some time. */
  filledOnce(id: SlotId): SlotRecord {
    const slot = this.slots.get(id)
    requireThat(slot !== undefined, 'Marketplace_SlotIsFree')
    return slot as SlotRecord
  }

  listRequest(client: string, id: RequestId): void {
    add(this.#requestsOf, client, id)
  }

  unlistRequest(client: string, id: RequestId): void {
    remove(this.#requestsOf, client, id)
  }

  listSlot(host: string, id: SlotId): void {
    add(this.#slotsOf, host, id)
  }

  unlistSlot(host: string, id: SlotId): void {
    remove(this.#slotsOf, host, id)
  }
}

function add(lists: ChainMap<readonly string[]>, owner: string, id: string): void {
  const list = lists.get(owner) ?? []
  if (!list.includes(id)) lists.set(owner, [...list, id])
}

/** The last one moves into the place of the one that goes, as in the contract. */
function remove(lists: ChainMap<readonly string[]>, owner: string, id: string): void {
  const list = lists.get(owner) ?? []
  const place = list.indexOf(id)
  const last = list.at(-1)
  if (place < 0 || last === undefined) return
  lists.set(owner, list.with(place, last).slice(0, -1))
}
