// What a provider or client asks its market to do, in plain data that another process takes. Not a test.

import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import type { RequestId, SlotId } from '../../src/protocol/request.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'

const never = { signal: new AbortController().signal }
/** The stand-in verifier takes anything but zeros. */
const PROOF: Groth16Proof = {
  a: { x: 1n, y: 2n },
  b: { x: { real: 3n, imag: 4n }, y: { real: 5n, imag: 6n } },
  c: { x: 7n, y: 8n },
}

export interface Act {
  readonly name: 'reserve' | 'fill' | 'prove' | 'collect' | 'withdraw'
  readonly requestId: RequestId
  /** Of the request's first slot. */
  readonly slotId: SlotId
  readonly period: number
}

export function act(market: EthersMarket, { name, requestId, slotId, period }: Act): Promise<{ done: boolean }> {
  const slot = { requestId, slotIndex: 0 }
  switch (name) {
    case 'reserve':
      return market.reserveSlot(slot, never)
    case 'fill':
      return market.fillSlot(slot, PROOF, never)
    case 'prove':
      return market.submitProof(slotId, period, PROOF, never)
    case 'collect':
      return market.collect(slotId, never)
    case 'withdraw':
      return market.withdrawFunds(requestId, never)
  }
}
