// What everything that sends and looks after transactions is made of, and the settings that it shares. Types only.

import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import type { FeeSource } from './feesource.ts'
import type { HeadWatch } from './headwatch.ts'
import type { Contracts } from './intentcall.ts'
import type { NodeKey } from './nodekey.ts'
import type { RpcClient } from './rpcclient.ts'
import type { JournalEntry, SendJournal } from './sendjournal.ts'
import type { SpendingCap } from './spendingcap.ts'

export interface SentParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly fees: FeeSource
  readonly key: NodeKey
  readonly journal: SendJournal
  /** The machine's. */
  readonly clock: Clock
  readonly contracts: Contracts
  readonly log: Log
  /** A collect that was told as done has been taken back and withdrawn: it is to be done anew. */
  readonly redo?: (entry: JournalEntry) => void
}

export interface SentSettings {
  /** Blocks, its own included, until a transaction counts as done. */
  readonly confirmations: number
  /** Not mined for so long, a transaction is sent again for more money. */
  readonly stuckSeconds: Seconds
  readonly cap: SpendingCap
}
