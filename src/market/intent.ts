// What the node key may be asked to sign: each transaction by its purpose, in plain data that can be journaled. Nothing else can be signed.

import type { Seconds } from '../lib/units.ts'
import type { RequestId, SlotId, StorageRequest } from '../protocol/request.ts'
import type { Groth16Proof } from './groth16proof.ts'
import type { Period } from './periodicity.ts'

export type Intent =
  | { readonly verb: 'requestStorage'; readonly requestId: RequestId; readonly request: StorageRequest }
  | { readonly verb: 'withdrawFunds'; readonly requestId: RequestId }
  | { readonly verb: 'reserveSlot'; readonly slotId: SlotId; readonly requestId: RequestId; readonly slotIndex: number }
  | {
      readonly verb: 'fillSlot'
      readonly slotId: SlotId
      readonly requestId: RequestId
      readonly slotIndex: number
      readonly proof: Groth16Proof
    }
  | { readonly verb: 'submitProof'; readonly slotId: SlotId; readonly period: Period; readonly proof: Groth16Proof }
  | { readonly verb: 'collect' | 'abandon'; readonly slotId: SlotId; readonly rewardRecipient: string | undefined }
  | { readonly verb: 'markProofAsMissing'; readonly slotId: SlotId; readonly period: Period }
  /** Of the marketplace, in all. */
  | { readonly verb: 'approve'; readonly amount: bigint }
  | { readonly verb: 'sendToken' | 'sendCoin'; readonly to: string; readonly amount: bigint }

export type IntentVerb = Intent['verb']

/** What the transactor is asked for. */
export interface Order {
  readonly intent: Intent
  /** Gas given, in percent of the estimate. */
  readonly gasPercent: number
  /** Chain time after which it is of no use any more. */
  readonly validUntil?: Seconds | undefined
  /** Chain time that mined blocks must have passed before it may be sent: earlier it does harm. */
  readonly safeAfter?: Seconds | undefined
}

/** Two intents of one key are the same act, which is never under way twice. Undefined where doing it again is another act. */
export function intentKey(intent: Intent): string | undefined {
  switch (intent.verb) {
    case 'requestStorage':
    case 'withdrawFunds':
      return `${intent.verb}/${intent.requestId}`
    case 'reserveSlot':
    case 'fillSlot':
    case 'collect':
    case 'abandon':
      return `${intent.verb}/${intent.slotId}`
    case 'submitProof':
    case 'markProofAsMissing':
      return `${intent.verb}/${intent.slotId}/${intent.period}`
    case 'approve':
    case 'sendToken':
    case 'sendCoin':
      return undefined
  }
}

/** What cannot wait for the next day's allowance of spending: missing it burns collateral or leaves earnings behind. */
export function isDuty({ verb }: Intent): boolean {
  return verb === 'submitProof' || verb === 'collect' || verb === 'withdrawFunds'
}
