// What an endpoint's answer to a sent transaction means. Nodes say the same things in many words.

import { CodexError } from '../lib/errors.ts'
import type { RpcAnswer } from './rpcclient.ts'
import type { RpcError } from './rpcerror.ts'

/**
 * `taken`: it waits to be mined, or has been. `nonce used`: another transaction with this nonce is in the chain, or waits for more money.
 * `refused`: it will not be mined, and its nonce is free. `unknown`: it may have been taken; only the chain can tell.
 */
export type SendFate = 'taken' | 'nonce used' | 'refused' | 'unknown'

const TAKEN = /already known|known transaction|already imported|already exists|already in mempool|ALREADY_EXISTS/i
const NONCE_USED =
  /nonce too low|nonce is too low|invalid nonce|old nonce|replacement transaction underpriced|gas price too low to replace/i
const REFUSED =
  /insufficient funds|insufficient balance|underpriced|less than block base fee|fee cap|max fee per gas|intrinsic gas|exceeds block gas limit|gas limit exceeded|exceeds the configured cap|revert|exceeds allowance|sender not an eoa|out of gas|transaction type not supported|oversized data|(?:invalid|wrong) chain.?id|address already reserved/i

export function fateOf(answer: RpcAnswer | undefined): SendFate {
  if (answer === undefined || answer.ok) return answer === undefined ? 'unknown' : 'taken'
  if (answer.error.code !== 'market/rpc-error') return 'unknown'
  const { said } = (answer.error as RpcError).detail
  if (TAKEN.test(said)) return 'taken'
  if (NONCE_USED.test(said)) return 'nonce used'
  return REFUSED.test(said) ? 'refused' : 'unknown'
}

/** Why it was refused, for people. */
export function refusal(answer: RpcAnswer | undefined, address: string): CodexError {
  const error = answer?.ok === false ? answer.error : undefined
  const said = error?.code === 'market/rpc-error' ? (error as RpcError).detail.said : (error?.message ?? 'no reason')
  if (/insufficient (funds|balance)/i.test(said)) return tooFewCoins(address, error)
  return new CodexError('market/send-refused', `the endpoint refused the transaction: ${said}`, { cause: error })
}

export function tooFewCoins(address: string, cause?: unknown): CodexError<'wallet/insufficient-coins'> {
  const message = `${address} has too few coins to pay for gas; send some to it`
  return new CodexError('wallet/insufficient-coins', message, { detail: { address }, cause })
}
