// Data of a slot that peers do not give now, and may give later: they, or we, are away for a while. Once a place on chain is ours, coming back costs
// nothing.

import { CodexError } from '../lib/errors.ts'
import type { Declined } from './saleoutcome.ts'

const LACKS = ['erasure/too-few-rows', 'exchange/stalled']

/** What of its data peers did not give; undefined where the error is another one. */
export function lackOf(error: unknown): string | undefined {
  return CodexError.is(error) && LACKS.includes(error.code) ? error.message : undefined
}

export function noData(lack: string): Declined {
  const told = `its data could not be had from peers, and is looked for again as long as it can be in time: ${lack}`
  return { end: 'declined', why: 'no data', told }
}
