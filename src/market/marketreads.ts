// The half of a Market that asks and changes nothing: the contract's views, each at the block where it is true, and the key's balances.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { slotId } from '../protocol/ids.ts'
import type { RequestId, SlotId, StorageRequest } from '../protocol/request.ts'
import type { ChainReader } from './chainreader.ts'
import { type RequestState, requestStateOf, type SlotState, slotStateOf } from './chainstates.ts'
import { NO_PROOF } from './groth16proof.ts'
import type { ActiveSlot, Address, Challenge, ProofDuty, Slot, SlotDuty } from './market.ts'
import { collateralToFill, type MarketplaceTerms } from './marketplaceterms.ts'
import { type Period, Periodicity } from './periodicity.ts'
import { revertName } from './reverts.ts'
import type { RpcClient } from './rpcclient.ts'
import { readData, readQuantity } from './rpcvalues.ts'

export interface MarketReadsParts {
  readonly rpc: Pick<RpcClient, 'call'>
  readonly reader: ChainReader
  readonly terms: MarketplaceTerms
  /** Address of the token. */
  readonly token: Address
  /** Our own. */
  readonly host: Address
}

/** What filling is refused with before the reservation was looked at, and for want of it. */
const NOT_RESERVED = ['Marketplace_UnknownRequest', 'Marketplace_InvalidSlot', 'Marketplace_ReservationRequired']

export class MarketReads {
  readonly host: Address
  readonly terms: MarketplaceTerms
  readonly token: Address
  readonly periodicity: Periodicity
  readonly #rpc: Pick<RpcClient, 'call'>
  readonly #reader: ChainReader

  constructor({ rpc, reader, terms, token, host }: MarketReadsParts) {
    this.#rpc = rpc
    this.#reader = reader
    this.terms = terms
    this.token = token
    this.host = host
    this.periodicity = new Periodicity(terms.proofs.period)
  }

  request(id: RequestId, options: AbortOptions): Promise<StorageRequest | undefined> {
    return this.#reader.request(id, options)
  }

  async requestState(id: RequestId, options: AbortOptions): Promise<RequestState | undefined> {
    const found = await this.#reader.viewOr('Marketplace_UnknownRequest', 'requestState', [id], 'pending', options)
    return found === undefined ? undefined : requestStateOf(found[0] as bigint)
  }

  async requestEnd(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    const found = await this.#reader.viewOr('Marketplace_UnknownRequest', 'requestEnd', [id], 'pending', options)
    return found === undefined ? undefined : Number(found[0])
  }

  async requestExpiry(id: RequestId, options: AbortOptions): Promise<Seconds | undefined> {
    const [expiry] = await this.#reader.view('requestExpiry', [id], 'latest', options)
    // The contract says 0 of a request it does not know.
    return expiry === 0n ? undefined : Number(expiry)
  }

  async slotState(id: SlotId, options: AbortOptions): Promise<SlotState> {
    const [state] = await this.#reader.view('slotState', [id], 'pending', options)
    return slotStateOf(state as bigint)
  }

  async activeSlot(id: SlotId, options: AbortOptions): Promise<ActiveSlot | undefined> {
    return (await this.#reader.activeSlots([id], options))[0]
  }

  async hostOf(id: SlotId, options: AbortOptions): Promise<Address | undefined> {
    const [host] = await this.#reader.view('getHost', [id], 'latest', options)
    const address = String(host).toLowerCase()
    return /^0x0{40}$/.test(address) ? undefined : address
  }

  async currentCollateral(id: SlotId, options: AbortOptions): Promise<bigint> {
    const [collateral] = await this.#reader.view('currentCollateral', [id], 'latest', options)
    return collateral as bigint
  }

  async slotCollateral(slot: Slot, options: AbortOptions): Promise<bigint | undefined> {
    const [request, state] = await Promise.all([
      this.request(slot.requestId, options),
      this.slotState(slotId(slot.requestId, slot.slotIndex), options),
    ])
    if (request === undefined) return undefined
    const { collateralPerByte, slotSize } = request.ask
    return collateralToFill(this.terms, { collateralPerByte, slotSize, isRepair: state === 'Repair' })
  }

  async canReserveSlot(slot: Slot, options: AbortOptions): Promise<boolean> {
    const args = [slot.requestId, slot.slotIndex]
    return (await this.#reader.view('canReserveSlot', args, 'pending', options))[0] === true
  }

  /** The contract has no view for it; but filling, with a proof that proves nothing, asks for the reservation before it looks at the proof. */
  async hasReservedSlot({ requestId, slotIndex }: Slot, options: AbortOptions): Promise<boolean> {
    try {
      await this.#reader.view('fillSlot', [requestId, slotIndex, NO_PROOF], 'pending', options)
      return true
    } catch (error) {
      if (!CodexError.is(error) || !('revert' in error.detail)) throw error
      return !NOT_RESERVED.includes(String(error.detail['revert']))
    }
  }

  async missingProofs(id: SlotId, options: AbortOptions): Promise<number> {
    return Number((await this.#reader.view('missingProofs', [id], 'latest', options))[0])
  }

  async canMarkProofAsMissing(id: SlotId, period: Period, options: AbortOptions): Promise<boolean | undefined> {
    try {
      await this.#reader.view('canMarkProofAsMissing', [id, period], 'pending', options)
      return true
    } catch (error) {
      // Whatever the contract reverts with; an endpoint that fails is no answer.
      if (CodexError.is(error) && 'revert' in error.detail)
        return revertName(error) === 'Proofs_PeriodNotEnded' ? undefined : false
      throw error
    }
  }

  async mySlots(options: AbortOptions): Promise<readonly SlotId[]> {
    return [...((await this.#reader.view('mySlots', [], 'latest', options))[0] as SlotId[])]
  }

  async myRequests(options: AbortOptions): Promise<readonly RequestId[]> {
    return [...((await this.#reader.view('myRequests', [], 'latest', options))[0] as RequestId[])]
  }

  async proofDuty(id: SlotId, period: Period, options: AbortOptions): Promise<ProofDuty | undefined> {
    const [found] = await this.slotDuties([id], options)
    if (found?.problem !== undefined) throw found.problem
    return found?.period === period ? found.duty : undefined
  }

  slotDuties(ids: readonly SlotId[], options: AbortOptions): Promise<readonly SlotDuty[]> {
    return this.#reader.slotDuties(ids, this.periodicity, options)
  }

  async challenge(id: SlotId, options: AbortOptions): Promise<Challenge> {
    const [[challenge], [pointer]] = await Promise.all([
      this.#reader.view('getChallenge', [id], 'pending', options),
      this.#reader.view('getPointer', [id], 'pending', options),
    ])
    return { challenge: readData(challenge, 'a challenge'), pointer: Number(pointer) }
  }

  tokenBalance(options: AbortOptions): Promise<bigint> {
    return this.#reader.token(this.token, 'balanceOf', [this.host], options)
  }

  async coinBalance(options: AbortOptions): Promise<bigint> {
    const params = [this.host, 'latest']
    return readQuantity(await this.#rpc.call('eth_getBalance', params, options), 'a balance')
  }
}
