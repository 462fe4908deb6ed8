// Errors that an endpoint answers with, as our own: what kind they are, and the revert data that libraries and nodes bury at different depths.

import { CodexError } from '../lib/errors.ts'
import { escapeControls } from '../lib/escapecontrols.ts'
import { redactText } from '../lib/redact.ts'

/** Characters of an endpoint's message that are kept. */
const MAX_MESSAGE_CHARS = 300
/** Digits of revert data that are kept: far more than any error of the contracts has. */
const MAX_DATA_CHARS = 2 + 2 * 1024
/** How deep revert data is looked for. */
const MAX_DEPTH = 5
const PLACES = ['data', 'error', 'originalError', 'info', 'result', 'cause', 'value'] as const

/** The endpoint understood the request and refused it. `data` is what the contract reverted with, `0x…`. */
export type RpcError = CodexError<
  'market/rpc-error',
  { readonly rpcCode: number; readonly data: string | undefined; readonly said: string }
>

export function rpcError(method: string, error: unknown): RpcError {
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
  const said = escapeControls(
    redactText((typeof message === 'string' ? message : 'no reason').slice(0, MAX_MESSAGE_CHARS)),
  )
  const rpcCode = typeof code === 'number' ? code : 0
  return new CodexError('market/rpc-error', `the endpoint refused ${method}: ${said}`, {
    detail: { rpcCode, said, data: revertDataOf(error) },
  })
}

/** The first hex of at least four bytes found in the usual places, or behind the message of some nodes. */
export function revertDataOf(error: unknown, depth = 0): string | undefined {
  if (typeof error === 'string') {
    const found = /(?:^|reverted:? )(0x(?:[0-9a-f]{2}){4,})/i.exec(error)?.[1]
    return found?.slice(0, MAX_DATA_CHARS).toLowerCase()
  }
  if (typeof error !== 'object' || error === null || depth >= MAX_DEPTH) return undefined
  for (const place of PLACES) {
    const found = revertDataOf((error as Record<string, unknown>)[place], depth + 1)
    if (found !== undefined) return found
  }
  const { message } = error as { readonly message?: unknown }
  return typeof message === 'string' ? revertDataOf(message) : undefined
}

/** Whether the call itself was refused by the code it ran, so that asking again gives the same answer. */
export function isRevert(error: unknown): error is RpcError {
  if (!CodexError.is(error, 'market/rpc-error')) return false
  const { data, rpcCode, said } = (error as RpcError).detail
  return data !== undefined || rpcCode === 3 || /revert/i.test(said)
}

/** Whether the endpoint has too much to do, as it says inside an answer instead of by HTTP status. */
export function isRateLimit({ detail }: RpcError): boolean {
  return detail.rpcCode === 429 || /rate.?limit|too many requests|throughput|capacity exceeded/i.test(detail.said)
}

/** Whether a node behind the endpoint lacks what another one has: asking again may well reach that one. */
export function isLagging({ detail }: RpcError): boolean {
  return /header not found|unknown block|block not found|missing trie node|block does not exist|BlockOutOfRange|after last accepted/i.test(
    detail.said,
  )
}
