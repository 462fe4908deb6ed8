// How much gas each act is given.

import type { IntentVerb } from './intent.ts'

/** In percent of the estimate: what may change until a transaction is in a block (marketplace reference §4.2). */
export const GAS_PERCENT = {
  requestStorage: 110,
  withdrawFunds: 110,
  // The last one to reserve.
  reserveSlot: 125,
  // The last slot to be filled starts the request.
  fillSlot: 125,
  submitProof: 110,
  // A loss that fails the request.
  collect: 300,
  abandon: 300,
  markProofAsMissing: 150,
  // Estimated while something is granted, mined when nothing is any more: setting it from zero takes up to twice as much.
  approve: 200,
  sendToken: 200,
  sendCoin: 100,
} as const satisfies Readonly<Record<IntentVerb, number>>
