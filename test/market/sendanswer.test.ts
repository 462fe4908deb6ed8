// What nodes say to a transaction, read as what it means for it.

import { expect, it } from 'vitest'
import { rpcError } from '../../src/market/rpcerror.ts'
import { fateOf } from '../../src/market/sendanswer.ts'

it.each([
  ['already known', 'taken'],
  ['nonce too low', 'nonce used'],
  ['replacement transaction underpriced', 'nonce used'],
  ['max fee per gas less than block base fee: address 0x…', 'refused'],
  ['transaction type not supported', 'refused'],
  ['oversized data: transaction size 131073, limit 131072', 'refused'],
  ['invalid chain id for signer: have 1 want 31337', 'refused'],
  ['address already reserved', 'refused'],
  ['upstream connect error', 'unknown'],
  ['txpool is full', 'unknown'],
] as const)('%s: %s', (message, fate) => {
  const error = rpcError('eth_sendRawTransaction', { code: -32000, message })
  expect(fateOf({ ok: false, error })).toBe(fate)
})
