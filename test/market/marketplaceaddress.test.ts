// Where the marketplace is looked for: the addresses of known chains as marketplace reference §3.11 names them, and who wins over them.

import { expect, it } from 'vitest'

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { Connection } from '../../src/market/connection.ts'
import { marketplaceAddress } from '../../src/market/marketplaceaddress.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { ScriptedChain } from './scriptedchain.ts'

/** With the capitals that are their checksums. */
const KNOWN = [
  [31_337, '0x322813Fd9A801c5507c9de605d63CEA4f2CE6c44'],
  [167_005, '0x948CF9291b77Bd7ad84781b9047129Addf1b894F'],
  [789_987, '0x5378a4EA5dA2a548ce22630A3AE74b052000C62D'],
  [1_660_990_954, '0x34F606C65869277f236ce07aBe9af0B8c88F486B'],
] as const
const CONFIGURED = `0x${'12'.repeat(20)}`

/** Opens a connection to such a chain. */
async function open(chainId: number, settings: { readonly marketplace?: string } = {}) {
  const clock = new SystemClock()
  const chain = new ScriptedChain(Math.floor(clock.now()), 3)
  chain.chainId = chainId
  const lookedAt: unknown[] = []
  chain.exchange = (calls) => {
    const [{ id, method, params } = { id: 0, method: '', params: [] }] = calls
    if (method !== 'eth_getCode' && method !== 'eth_syncing') return undefined
    if (method === 'eth_getCode') lookedAt.push(params[0])
    const result = method === 'eth_getCode' ? '0x60' : false
    return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', id, result }), retryAfter: undefined }
  }
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const parts = { lines: chain.lines, clock, log }
  const connection = new Connection(parts, { url: 'http://localhost:1', connectAttempts: 1, ...settings })
  try {
    return { address: await connection.open({ signal: NEVER }), lookedAt }
  } finally {
    await connection.close()
  }
}

it.each(KNOWN)('on chain %i it is at %s, unless another address is configured', async (chainId, address) => {
  expect(marketplaceAddress(chainId)).toBe(address.toLowerCase())
  expect(await open(chainId)).toEqual({ address: address.toLowerCase(), lookedAt: [address.toLowerCase()] })
  expect(await open(chainId, { marketplace: CONFIGURED })).toEqual({ address: CONFIGURED, lookedAt: [CONFIGURED] })
})

it('on a chain that nobody knows it is refused to start without an address, and nothing is looked at', async () => {
  for (const chainId of [1, 31_338, 167_006]) {
    expect(marketplaceAddress(chainId)).toBeUndefined()
    await expect(open(chainId)).rejects.toMatchObject({
      code: 'market/no-contract',
      message: expect.stringContaining(`no marketplace is known on chain ${chainId}; set its address`) as string,
    })
    expect(await open(chainId, { marketplace: CONFIGURED })).toMatchObject({ address: CONFIGURED })
  }
})
