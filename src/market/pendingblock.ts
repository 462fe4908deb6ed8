// The time of the block that would come next, as an endpoint tells it. Not every one does, and its hash is not known yet, so it is no `Block`.

import type { Seconds } from '../lib/units.ts'
import type { RpcAnswer, RpcCall } from './rpcclient.ts'

export const PENDING_BLOCK: RpcCall = { method: 'eth_getBlockByNumber', params: ['pending', false] }

/** @param answer to {@link PENDING_BLOCK} @returns undefined where the endpoint does not tell */
export function pendingTime(answer: RpcAnswer | undefined): Seconds | undefined {
  const { timestamp } = Object(answer?.ok === true ? answer.result : undefined) as { readonly timestamp?: unknown }
  return typeof timestamp === 'string' && /^0x[0-9a-f]{1,12}$/i.test(timestamp) ? Number(timestamp) : undefined
}
