// What an intent is as a transaction: to whom, with which data, what value. Signing it is nodekey.ts's work.

import type { StorageRequest } from '../protocol/request.ts'
import type { Intent } from './intent.ts'
import { FREE_SLOT, FREE_SLOT_TO, MARKETPLACE, TOKEN, WITHDRAW_FUNDS } from './marketplaceinterface.ts'

/** The two contracts that the key deals with. */
export interface Contracts {
  readonly marketplace: string
  readonly token: string
}

export interface ContractCall {
  readonly to: string
  /** `0x…` */
  readonly data: string
  readonly value: bigint
}

/** @param host the sender: collateral always returns to it, because the next fill needs it there */
export function intentCall(intent: Intent, { marketplace, token }: Contracts, host: string): ContractCall {
  const call = (name: string, ...args: readonly unknown[]): ContractCall => ({
    to: marketplace,
    data: MARKETPLACE.encodeFunctionData(name, args),
    value: 0n,
  })
  switch (intent.verb) {
    case 'requestStorage':
      return call('requestStorage', requestArgument(intent.request))
    case 'withdrawFunds':
      return call(WITHDRAW_FUNDS, intent.requestId)
    case 'reserveSlot':
      return call('reserveSlot', intent.requestId, intent.slotIndex)
    case 'fillSlot':
      return call('fillSlot', intent.requestId, intent.slotIndex, intent.proof)
    case 'submitProof':
      return call('submitProof', intent.slotId, intent.proof)
    case 'collect':
    case 'abandon':
      return intent.rewardRecipient === undefined
        ? call(FREE_SLOT, intent.slotId)
        : call(FREE_SLOT_TO, intent.slotId, intent.rewardRecipient, host)
    case 'markProofAsMissing':
      return call('markProofAsMissing', intent.slotId, intent.period)
    case 'approve':
      return { to: token, data: TOKEN.encodeFunctionData('approve', [marketplace, intent.amount]), value: 0n }
    case 'sendToken':
      return { to: token, data: TOKEN.encodeFunctionData('transfer', [intent.to, intent.amount]), value: 0n }
    case 'sendCoin':
      return { to: intent.to, data: '0x', value: intent.amount }
  }
}

/** A request as the encoder takes it: bytes as they are. */
export function requestArgument({ client, ask, content, expiry, nonce }: StorageRequest): object {
  return { client, ask, content, expiry, nonce }
}
