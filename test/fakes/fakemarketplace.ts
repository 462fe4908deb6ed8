// The marketplace contract in memory, for simulations: the same calls, checks, errors, events and payments, without an EVM. Held to the
// contract by test/devnet/differential.nodejs.test.ts.

import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { requestId as requestIdOf, slotId as slotIdOf } from '../../src/protocol/ids.ts'
import type { RequestId, SlotId, StorageRequestInput } from '../../src/protocol/request.ts'
import { checkedRequest } from '../../src/protocol/request.ts'
import { ChainRevert, requireThat, uint256, uint64 } from './chainrevert.ts'
import { ChainMap, type FakeChain } from './fakechain.ts'
import { FakeProofs, type Verify } from './fakeproofs.ts'
import { FakeRecords, NOBODY, type RequestRecord } from './fakerecords.ts'
import type { FakeToken } from './faketoken.ts'

export interface FakeMarketplaceParts<Proof> {
  readonly chain: FakeChain
  readonly token: FakeToken
  readonly configuration: MarketplaceConfiguration
  readonly verify: Verify<Proof>
  /** Its own, in lower case. */
  readonly address: string
}

const PERCENT = 100n
const MAX_UINT8 = 255

/** `sender` is who calls, an address in lower case. What changes anything runs inside a transaction of the chain. */
export class FakeMarketplace<Proof> {
  readonly address: string
  readonly configuration: MarketplaceConfiguration
  /** Answers everything that can be asked about requests and slots. */
  readonly records: FakeRecords
  /** Answers everything that can be asked about proofs. */
  readonly proofs: FakeProofs<Proof>
  readonly #chain: FakeChain
  readonly #token: FakeToken
  readonly #reservations: ChainMap<readonly string[]>
  /** Who filled a slot in a block. */
  readonly #fillers: ChainMap<string>

  /** @throws ChainRevert as the contract's constructor */
  constructor({ chain, token, configuration, verify, address }: FakeMarketplaceParts<Proof>) {
    this.#chain = chain
    this.#token = token
    this.#reservations = new ChainMap(chain)
    this.#fillers = new ChainMap(chain)
    this.address = address
    this.configuration = configuration
    this.records = new FakeRecords(chain)
    this.proofs = new FakeProofs(this.records, configuration.proofs, verify)
    const { repairRewardPercentage, slashPercentage, maxNumberOfSlashes } = configuration.collateral
    requireThat(repairRewardPercentage <= 100, 'Marketplace_RepairRewardPercentageTooHigh')
    requireThat(slashPercentage <= 100, 'Marketplace_SlashPercentageTooHigh')
    if (slashPercentage * maxNumberOfSlashes > MAX_UINT8) throw new ChainRevert('Panic', 17n)
    requireThat(slashPercentage * maxNumberOfSlashes <= 100, 'Marketplace_MaximumSlashingTooHigh')
  }

  requestStorage(sender: string, given: StorageRequestInput): RequestId {
    const request = checkedRequest(given)
    const { ask } = request
    const id = requestIdOf(request)
    requireThat(request.client === sender, 'Marketplace_InvalidClientAddress')
    requireThat(this.records.requests.get(id) === undefined, 'Marketplace_RequestAlreadyExists')
    requireThat(request.expiry > 0n && request.expiry < ask.duration, 'Marketplace_InvalidExpiry')
    requireThat(ask.slots > 0n, 'Marketplace_InsufficientSlots')
    requireThat(ask.maxSlotLoss <= ask.slots, 'Marketplace_InvalidMaxSlotLoss')
    requireThat(ask.proofProbability > 0n, 'Marketplace_InsufficientProofProbability')
    requireThat(ask.collateralPerByte > 0n, 'Marketplace_InsufficientCollateral')
    requireThat(ask.pricePerBytePerSecond > 0n, 'Marketplace_InsufficientReward')
    requireThat(request.content.cid.length > 0, 'Marketplace_InvalidCid')
    requireThat(ask.duration <= BigInt(this.configuration.requestDurationLimit), 'Marketplace_DurationExceedsLimit')
    const endsAt = uint64(this.records.now + ask.duration)
    const expiresAt = uint64(this.records.now + request.expiry)
    const fundsToReturn = maxPrice(ask)
    this.#collect(sender, fundsToReturn)
    this.records.requests.set(id, { request, state: 'New', slotsFilled: 0n, expiresAt, endsAt, fundsToReturn })
    this.records.listRequest(sender, id)
    this.#chain.emit('StorageRequested', id, ask, expiresAt)
    return id
  }

  canReserveSlot(sender: string, id: RequestId, slotIndex: bigint): boolean {
    const slotId = slotIdOf(id, slotIndex)
    const reserved = this.reserversOf(slotId)
    const { maxReservations } = this.configuration.reservations
    return this.records.isOpen(slotId) && reserved.length < maxReservations && !reserved.includes(sender)
  }

  /** Of whom the transaction is that filled the slot in a block. The contract does not tell. */
  fillerIn(block: number, id: SlotId): string | undefined {
    return this.#fillers.get(`${block}/${id}`)
  }

  /** Who may fill the slot. The contract does not tell. */
  reserversOf(slotId: SlotId): readonly string[] {
    return this.#reservations.get(slotId) ?? []
  }

  reserveSlot(sender: string, id: RequestId, slotIndex: bigint): void {
    requireThat(this.canReserveSlot(sender, id, slotIndex), 'SlotReservations_ReservationNotAllowed')
    const slotId = slotIdOf(id, slotIndex)
    const reserved = [...this.reserversOf(slotId), sender]
    this.#reservations.set(slotId, reserved)
    if (reserved.length === this.configuration.reservations.maxReservations) {
      this.#chain.emit('SlotReservationsFull', id, slotIndex)
    }
  }

  fillSlot(sender: string, id: RequestId, slotIndex: bigint, proof: Proof): void {
    const { request } = this.records.known(id)
    requireThat(slotIndex < request.ask.slots, 'Marketplace_InvalidSlot')
    const slotId = slotIdOf(id, slotIndex)
    requireThat(this.reserversOf(slotId).includes(sender), 'Marketplace_ReservationRequired')
    const isOver = !['New', 'Started'].includes(this.records.requestState(id))
    requireThat(!isOver && this.records.isOpen(slotId), 'Marketplace_SlotNotFree')
    this.proofs.receive(slotId, request, slotIndex, proof)
    this.#occupy(sender, id, slotId, slotIndex)
  }

  submitProof(sender: string, id: SlotId, proof: Proof): void {
    const slot = this.records.slots.get(id)
    const { request } = this.records.known(slot?.requestId)
    requireThat(slot?.host === sender, 'Marketplace_ProofNotSubmittedByHost')
    this.proofs.receive(id, request, slot?.slotIndex ?? 0n, proof)
  }

  freeSlot(sender: string, id: SlotId, rewardRecipient = sender, collateralRecipient = sender): void {
    const slot = this.records.filledOnce(id)
    requireThat(slot.host === sender, 'Marketplace_InvalidSlotHost')
    const state = this.records.slotState(id)
    requireThat(state !== 'Paid', 'Marketplace_AlreadyPaid')
    if (state === 'Filled') return this.#evict(id)
    this.records.unlistSlot(sender, id)
    if (state === 'Failed') return
    const record = this.records.known(slot.requestId)
    if (state === 'Finished') {
      this.records.requests.set(slot.requestId, { ...record, state: 'Finished' })
      this.records.unlistRequest(record.request.client, slot.requestId)
    }
    this.records.slots.set(id, { ...slot, state: 'Paid' })
    const until = state === 'Finished' ? record.endsAt : record.expiresAt
    this.#pay(rewardRecipient, earnings(record, slot.filledAt, until))
    this.#pay(collateralRecipient, slot.collateral)
  }

  markProofAsMissing(sender: string, id: SlotId, period: bigint): void {
    this.proofs.markMissing(id, period)
    const slot = this.records.filledOnce(id)
    const { collateral: rules } = this.configuration
    const full = slotCollateral(this.records.known(slot.requestId))
    const slashed = uint256(full * BigInt(rules.slashPercentage)) / PERCENT
    const missed = slot.missed + 1n
    this.#pay(sender, uint256(slashed * BigInt(rules.validatorRewardPercentage)) / PERCENT)
    this.records.slots.set(id, { ...slot, missed, collateral: uint256(slot.collateral - slashed) })
    if (missed >= BigInt(rules.maxNumberOfSlashes)) this.#evict(id)
  }

  withdrawFunds(sender: string, id: RequestId, withdrawRecipient = sender): void {
    const record = this.records.known(id)
    const state = this.records.requestState(id)
    requireThat(record.request.client === sender, 'Marketplace_InvalidClientAddress')
    requireThat(state !== 'New' && state !== 'Started', 'Marketplace_InvalidState')
    requireThat(record.fundsToReturn !== 0n, 'Marketplace_NothingToWithdraw')
    let funds = record.fundsToReturn
    if (state === 'Cancelled') {
      this.#chain.emit('RequestCancelled', id)
      funds = uint256(funds + uint256(record.slotsFilled * earnings(record, record.expiresAt, record.endsAt)))
    }
    if (state === 'Failed') funds = maxPrice(record.request.ask)
    this.records.requests.set(id, { ...record, state, fundsToReturn: 0n })
    this.records.unlistRequest(sender, id)
    this.#pay(withdrawRecipient, funds)
  }

  #occupy(host: string, id: RequestId, slotId: SlotId, slotIndex: bigint): void {
    const record = this.records.known(id)
    const before = this.records.slots.get(slotId)
    const { now } = this.records
    const fundsToReturn = uint256(record.fundsToReturn - earnings(record, now, record.endsAt))
    const collateral = slotCollateral(record)
    const reward = BigInt(this.configuration.collateral.repairRewardPercentage)
    const discount = before?.state === 'Repair' ? uint256(collateral * reward) / PERCENT : 0n
    this.#collect(host, collateral - discount)
    const slotsFilled = record.slotsFilled + 1n
    const isComplete = slotsFilled === record.request.ask.slots && record.state === 'New'
    this.records.slots.set(slotId, {
      requestId: id,
      slotIndex,
      state: 'Filled',
      host,
      filledAt: now,
      missed: before?.missed ?? 0n,
      collateral,
    })
    this.records.requests.set(id, {
      ...record,
      fundsToReturn,
      slotsFilled,
      state: isComplete ? 'Started' : record.state,
    })
    this.records.listSlot(host, slotId)
    this.#fillers.set(`${this.#chain.executing.number}/${slotId}`, host)
    this.#chain.emit('SlotFilled', id, slotIndex)
    if (isComplete) this.#chain.emit('RequestFulfilled', id)
  }

  #evict(slotId: SlotId): void {
    const slot = this.records.filledOnce(slotId)
    const { requestId: id, slotIndex, host, filledAt } = slot
    const record = this.records.known(id)
    const { ask } = record.request
    const fundsToReturn = uint256(record.fundsToReturn + earnings(record, filledAt, record.endsAt))
    const slotsFilled = record.slotsFilled - 1n
    const isLost = record.state === 'Started' && ask.slots - slotsFilled > ask.maxSlotLoss
    this.records.unlistSlot(host, slotId)
    this.#reservations.set(slotId, [])
    this.records.slots.set(slotId, { ...slot, state: 'Repair', host: NOBODY, filledAt: 0n, missed: 0n, collateral: 0n })
    this.records.requests.set(id, {
      ...record,
      fundsToReturn,
      slotsFilled,
      ...(isLost && { state: 'Failed' as const, endsAt: this.records.now - 1n }),
    })
    this.#chain.emit('SlotFreed', id, slotIndex)
    if (isLost) this.#chain.emit('RequestFailed', id)
  }

  #collect(from: string, amount: bigint): void {
    this.#token.transferFrom(this.address, from, this.address, amount)
  }

  #pay(to: string, amount: bigint): void {
    this.#token.transfer(this.address, to, amount)
  }
}

type Terms = RequestRecord['request']['ask']

function slotPrice({ pricePerBytePerSecond, slotSize }: Terms): bigint {
  return uint256(pricePerBytePerSecond * slotSize)
}

function slotCollateral({ request: { ask } }: RequestRecord): bigint {
  return uint256(ask.collateralPerByte * ask.slotSize)
}

function maxPrice(ask: Terms): bigint {
  return uint256(uint64(ask.slots * ask.duration) * slotPrice(ask))
}

function earnings({ request }: RequestRecord, start: bigint, end: bigint): bigint {
  requireThat(start < end, 'Marketplace_StartNotBeforeExpiry')
  return uint256((end - start) * slotPrice(request.ask))
}
