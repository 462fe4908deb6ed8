// A process that asks for storage again and again until it is killed: `node requestsender ENDPOINT MARKETPLACE KEY FOLDER ROUND`. Prints a line
// before each request.

import { writeSync } from 'node:fs'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { EthersMarket } from '../../src/market/ethersmarket.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'

const [url = '', marketplace = '', privateKey = '', folder = '', round = ''] = process.argv.slice(2)
const clock = new SystemClock()
const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
const key = NodeKey.fromPrivateKey(privateKey)
const never = { signal: new AbortController().signal }
const datastore = await LevelDatastore.open(folder)
// Hundreds of requests cost more than the node's own cap allows.
const settings = { url, marketplace, maxDailySpendWei: 10n ** 19n }
const market = await EthersMarket.open({ lines: nodeLines, clock, log, key, datastore }, settings, never)
for (let count = 0; ; count++) {
  writeSync(1, `request ${count}\n`)
  const nonce = `0x${round.padStart(8, '0')}${count.toString(16).padStart(56, '0')}`
  await market.requestStorage(
    {
      client: key.address,
      ask: {
        proofProbability: 1n,
        pricePerBytePerSecond: 2n,
        collateralPerByte: 5n,
        slots: 2n,
        slotSize: 1000n,
        duration: 3600n,
        maxSlotLoss: 1n,
      },
      content: { cid: Uint8Array.of(1, 2, 3), merkleRoot: `0x${'42'.repeat(32)}` },
      expiry: 600n,
      nonce,
    },
    never,
  )
}
