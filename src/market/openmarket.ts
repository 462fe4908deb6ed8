// Opening a market with as little as an endpoint and a key: what the entries hand to strangers. The node puts its parts together itself.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { Log } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import { SystemClock } from '../lib/systemclock.ts'
import type { Datastore } from '../storage/datastore.ts'
import { MemoryDatastore } from '../storage/memorydatastore.ts'
import { EthersMarket, type EthersMarketSettings } from './ethersmarket.ts'
import type { HoldKey } from './keyhold.ts'
import { NodeKey } from './nodekey.ts'
import type { RpcLines } from './rpclines.ts'

/** Of {@link OpenMarket}. */
export interface OpenMarketOptions extends EthersMarketSettings, AbortOptions {
  /** Or a private key of 64 hex digits. */
  readonly key: NodeKey | string
  /** Holds the journal of transactions. In memory without it: then a crash forgets what was under way. */
  readonly datastore?: Datastore
  /** The machine's clock without it. */
  readonly clock?: Clock
  /** Silent without it. */
  readonly log?: Log
}

/**
 * Settles once the endpoint answers and has the contract. @throws CodexError `wallet/bad-key`, and as `EthersMarket.open`; the signal's reason
 */
export type OpenMarket = (options: OpenMarketOptions) => Promise<EthersMarket>

export function openMarketOver(lines: RpcLines, holdKey?: HoldKey): OpenMarket {
  // So that a bad key rejects, as everything else does.
  return async ({ key, datastore = new MemoryDatastore(), clock = new SystemClock(), log, signal, ...settings }) =>
    EthersMarket.open(
      {
        lines,
        holdKey,
        clock,
        datastore,
        key: typeof key === 'string' ? NodeKey.fromPrivateKey(key) : key,
        log: log ?? new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
      },
      settings,
      { signal },
    )
}
