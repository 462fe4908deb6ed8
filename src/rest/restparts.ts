// What the routes work with, and what each of them needs of a request: nothing of HTTP beyond hono's context.

import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Log } from '../lib/log.ts'
import type { Clock } from '../lib/clock.ts'
import type { LogLevels } from '../lib/loglevels.ts'
import type { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { NodejsNode } from '../nodejs.ts'
import type { MarketplaceParts } from './marketparts.ts'
import type { NewsHub } from './newshub.ts'

export type NodeNetwork = NonNullable<NodejsNode['network']>

export interface RestParts {
  readonly node: NodejsNode
  readonly network: NodeNetwork
  readonly log: Log
  readonly levels: LogLevels
  /** A sink of the node's log. */
  readonly hub: NewsHub
  /** The machine's. */
  readonly clock: Clock
  /** By that clock. */
  readonly startedAt: Seconds
  readonly version: string
  /** Of the sources it was built from; empty where nobody knows. */
  readonly revision: string
  /** Where the node keeps its data, for people. */
  readonly dataDir: string
  readonly marketplace: MarketplaceDoor
  /** Work that outlasts its request; it ends with the server. */
  readonly background: Scope
}

/** The node's part in the marketplace. */
export interface MarketplaceDoor {
  /** Whether the node was started to take part. */
  readonly isWanted: boolean
  /** Undefined for a node that only stores, and until the chain was reached. */
  parts(): MarketplaceParts | undefined
  /** Why it was not entered yet, where that is known. */
  waiting(): NodejsNode['waiting']
  /** That it holds slots and does not sell, where that is so. */
  unproven(): NodejsNode['unproven']
}

export interface RestEnv {
  readonly Bindings: HttpBindings
}

export type RestContext = Context<RestEnv>
