// Why a transaction that was sent did nothing, or never came into the chain, as errors for people.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { blockTag } from './logreader.ts'
import { callOf } from './nodekey.ts'
import { revertError } from './reverts.ts'
import type { RpcClient } from './rpcclient.ts'
import type { RpcError } from './rpcerror.ts'
import type { Receipt } from './rpcvalues.ts'
import type { Attempt, JournalEntry } from './sendjournal.ts'

/** A receipt does not say why: the same call is made once more at its block. @throws the signal's reason */
export async function failureReason(
  rpc: Pick<RpcClient, 'callMany'>,
  { raw }: Attempt,
  receipt: Receipt,
  { verb }: JournalEntry,
  options: AbortOptions,
): Promise<CodexError> {
  const call = callOf(raw)
  if (receipt.gasUsed >= BigInt(call.gas)) return outOfGas(verb, BigInt(call.gas))
  const params = [call, blockTag(receipt.block)]
  const [answer] = await rpc.callMany([{ method: 'eth_call', params }], options)
  const error = answer?.ok === false ? answer.error : undefined
  if (error?.code !== 'market/rpc-error') return revertError(verb, undefined, 'no reason was found', error)
  const { data, said } = (error as RpcError).detail
  return revertError(verb, data, said, error)
}

/** @param isProven the other transaction was found in the chain */
export function replaced({ verb, nonce }: JournalEntry, isProven: boolean): CodexError<'market/replaced'> {
  const message = `${verb}: another transaction took its nonce ${nonce}; use the key in one place only`
  return new CodexError('market/replaced', message, { detail: { verb, nonce, isProven } })
}

export function withdrawn({ verb, nonce }: JournalEntry): CodexError<'market/withdrawn'> {
  const message = `${verb}: it was not in the chain in time and has been withdrawn; nothing was done`
  return new CodexError('market/withdrawn', message, { detail: { verb, nonce } })
}

function outOfGas(verb: string, gas: bigint): CodexError<'market/out-of-gas'> {
  const message = `${verb}: ${gas} gas were not enough, because the chain changed meanwhile; try again`
  return new CodexError('market/out-of-gas', message, { detail: { verb, gas } })
}

/** Why one of ours is stuck that waits behind somebody's, in words. */
export function heldUpBy(nonce: number): string {
  return `before it waits one that was sent with the key elsewhere (nonce ${nonce}); offer more for that one, or withdraw it, where it was sent`
}

/** @param why in words, with what to do @param cause the cap that stands in the way, if one does */
export function stuck({ verb, nonce }: JournalEntry, why: string, cause?: CodexError): CodexError<'market/stuck'> {
  const message = `${verb}: its transaction (nonce ${nonce}) does not get into a block, and all behind it wait: ${why}`
  return new CodexError('market/stuck', message, { detail: { verb, nonce, cap: cause?.code }, cause })
}
