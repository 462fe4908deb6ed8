// A process that does one act of the market and kills itself with SIGKILL at a named moment of sending it: `node dyingprovider JSON`. Prints `alive`
// when it comes through alive.

import { writeSync } from 'node:fs'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { EthersMarket } from '../../src/market/ethersmarket.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { type Act, act } from '../market/act.ts'
import { fastClock } from '../market/fastclock.ts'

/**
 * `signed`: not written down yet. `journaled`: not sent yet. `broadcast`: the node has it, and nobody knows. `mined`: its receipt was read, and nothing made
 * of it. `recorded`: its end is in the journal, and nobody was told.
 */
export type Moment = 'signed' | 'journaled' | 'broadcast' | 'mined' | 'recorded'

export interface DyingOrder {
  readonly url: string
  readonly marketplace: string
  readonly privateKey: string
  readonly folder: string
  /** Verb of the intent that it dies of. */
  readonly verb: string
  readonly moment: Moment
  readonly act: Act
}

const order = JSON.parse(process.argv[2] ?? '') as DyingOrder
let isJournaled = false

function dieAt(moment: Moment): void {
  if (order.moment === moment) process.kill(process.pid, 'SIGKILL')
}

/** What is written is the journal's own form; it is looked at no closer than for the verb and an end. */
function dying(inner: Datastore): Datastore {
  return {
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    entries: (...args) => inner.entries(...args),
    close: () => inner.close(),
    async commit(changes, options) {
      const text = changes.map((change) => ('put' in change ? new TextDecoder().decode(change.value) : '')).join()
      const isIt = text.includes(`"verb":"${order.verb}"`)
      const hasEnded = text.includes('"end":')
      if (isIt && !hasEnded) dieAt('signed')
      await inner.commit(changes, options)
      if (!isIt) return
      isJournaled = true
      dieAt(hasEnded ? 'recorded' : 'journaled')
    },
  }
}

const clock = fastClock(10)
const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
const never = { signal: new AbortController().signal }
const market = await EthersMarket.open(
  {
    clock,
    log,
    key: NodeKey.fromPrivateKey(order.privateKey),
    datastore: dying(await LevelDatastore.open(order.folder)),
    lines: {
      connect: (...args) => nodeLines.connect(...args),
      async post(url, body, options) {
        const answer = await nodeLines.post(url, body, options)
        if (isJournaled && body.includes('eth_sendRawTransaction')) dieAt('broadcast')
        if (isJournaled && answer.body.includes('"cumulativeGasUsed"')) dieAt('mined')
        return answer
      },
    },
  },
  { url: order.url, marketplace: order.marketplace, pollSeconds: 1 },
  never,
)
await act(market, order.act)
writeSync(1, 'alive')
process.exit(0)
