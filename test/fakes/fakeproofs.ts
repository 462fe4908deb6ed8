// When a slot of the fake chain owes a proof, and what a proof is checked against.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { fromHex, toHex } from '../../src/lib/bytes.ts'
import type { SlotId, StorageRequest } from '../../src/protocol/request.ts'
import type { MarketplaceConfiguration } from '../../src/devnet/configuration.ts'
import { assertOnChain, ChainRevert, requireThat, uint256, uint64 } from './chainrevert.ts'
import { ChainMap, type FakeChain, KNOWN_HASHES } from './fakechain.ts'
import type { FakeRecords } from './fakerecords.ts'

/** Whether `proof` proves the public inputs: entropy, dataset root, slot index. */
export type Verify<Proof> = (proof: Proof, inputs: readonly bigint[]) => boolean

const POINTERS = 256n
const CHALLENGE_BYTES = 31

export class FakeProofs<Proof> {
  readonly #chain: FakeChain
  readonly #records: FakeRecords
  readonly #config: MarketplaceConfiguration['proofs']
  readonly #verify: Verify<Proof>
  readonly #received: ChainMap<true>
  readonly #marked: ChainMap<true>

  /** @throws ChainRevert as the contract's constructor */
  constructor(records: FakeRecords, config: MarketplaceConfiguration['proofs'], verify: Verify<Proof>) {
    requireThat(config.period !== 0, 'Periods_InvalidSecondsPerPeriod')
    requireThat(records.chain.executing.number > KNOWN_HASHES, 'Proofs_InsufficientBlockHeight')
    this.#chain = records.chain
    this.#records = records
    this.#config = config
    this.#verify = verify
    this.#received = new ChainMap(records.chain)
    this.#marked = new ChainMap(records.chain)
  }

  getPointer(id: SlotId): number {
    return this.#pointer(id, this.#currentPeriod)
  }

  getChallenge(id: SlotId): string {
    return this.#challenge(this.getPointer(id))
  }

  isProofRequired(id: SlotId): boolean {
    return this.#isRequired(id, this.#currentPeriod)
  }

  willProofBeRequired(id: SlotId): boolean {
    const { hit, pointer } = this.#lot(id, this.#currentPeriod)
    return hit && pointer < this.#config.downtime
  }

  slotProbability(id: SlotId): bigint {
    const slot = this.#records.slots.get(id)
    const probability = slot === undefined ? 0n : this.#records.known(slot.requestId).request.ask.proofProbability
    return uint256(probability * (POINTERS - BigInt(this.#config.downtime))) / POINTERS
  }

  canMarkProofAsMissing(id: SlotId, period: bigint): void {
    requireThat(this.#records.slotState(id) === 'Filled', 'Marketplace_SlotNotAcceptingProofs')
    const end = uint64(uint64(period + 1n) * BigInt(this.#config.period))
    requireThat(end < this.#records.now, 'Proofs_PeriodNotEnded')
    requireThat(this.#records.now < uint64(end + BigInt(this.#config.timeout)), 'Proofs_ValidationTimedOut')
    requireThat(this.#received.get(`${id} ${period}`) === undefined, 'Proofs_ProofNotMissing')
    requireThat(this.#isRequired(id, period), 'Proofs_ProofNotRequired')
    requireThat(this.#marked.get(`${id} ${period}`) === undefined, 'Proofs_ProofAlreadyMarkedMissing')
  }

  markMissing(id: SlotId, period: bigint): void {
    this.canMarkProofAsMissing(id, period)
    this.#marked.set(`${id} ${period}`, true)
  }

  receive(id: SlotId, { content }: StorageRequest, slotIndex: bigint, proof: Proof): void {
    const key = `${id} ${this.#currentPeriod}`
    requireThat(this.#received.get(key) === undefined, 'Proofs_ProofAlreadySubmitted')
    const challenge = fromHex(this.getChallenge(id)).subarray(0, CHALLENGE_BYTES)
    const inputs = [littleEndian(challenge), littleEndian(fromHex(content.merkleRoot)), slotIndex]
    requireThat(this.#verify(proof, inputs), 'Proofs_InvalidProof')
    this.#received.set(key, true)
    this.#chain.emit('ProofSubmitted', id)
  }

  get #currentPeriod(): bigint {
    return this.#records.now / BigInt(this.#config.period)
  }

  #isRequired(id: SlotId, period: bigint): boolean {
    const { hit, pointer } = this.#lot(id, period)
    return hit && pointer >= this.#config.downtime
  }

  #lot(id: SlotId, period: bigint): { readonly hit: boolean; readonly pointer: number } {
    const slot = this.#records.slots.get(id)
    const isFilled = slot !== undefined && this.#records.slotState(id) === 'Filled'
    if (!isFilled || period <= slot.filledAt / BigInt(this.#config.period)) return { hit: false, pointer: 0 }
    const pointer = this.#pointer(id, period)
    const probability = this.slotProbability(id)
    const challenge = this.#challenge(pointer)
    return { hit: probability === 0n || BigInt(challenge) % probability === 0n, pointer }
  }

  #pointer(id: SlotId, period: bigint): number {
    const { number } = this.#chain.executing
    const offset = Number((period * BigInt(this.#config.downtimeProduct)) % POINTERS)
    // Of the id's number only the last byte counts.
    return (number + offset + parseInt(id.slice(-2), 16)) % Number(POINTERS)
  }

  #challenge(pointer: number): string {
    const hash = this.#chain.hashOf(this.#chain.executing.number - 1 - pointer)
    assertOnChain(hash !== undefined)
    if (hash === undefined) throw new ChainRevert('Panic', 1n)
    return challengeOf(hash)
  }
}

/** Of the latest blocks: hosts ask for the same over and over. */
const challenges = new Map<string, string>()
const MAX_CHALLENGES = 2 * KNOWN_HASHES

function challengeOf(hash: string): string {
  const known = challenges.get(hash)
  if (known !== undefined) return known
  if (challenges.size >= MAX_CHALLENGES) challenges.clear()
  const challenge = `0x${toHex(keccak_256(fromHex(hash)))}`
  challenges.set(hash, challenge)
  return challenge
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`)
}
