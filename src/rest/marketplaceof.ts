// The node's part in the marketplace as the rows of REST see it.

import type { NodejsNode } from '../nodejs.ts'
import type { MarketplaceParts } from './marketparts.ts'
import type { NewsHub } from './newshub.ts'
import type { MarketplaceDoor } from './restparts.ts'

const EVENTS = ['sale', 'proof', 'earning', 'purchase', 'marked', 'alert', 'alertOver'] as const

/** @param isWanted whether the node is to enter the marketplace */
export function marketplaceOf(node: NodejsNode, isWanted: boolean): MarketplaceDoor {
  return {
    isWanted,
    waiting: () => node.waiting,
    unproven: () => node.unproven,
    parts() {
      const { trade } = node
      if (trade === undefined) return undefined
      const { market, provider, client, validator } = trade
      return {
        market,
        clock: market.clock,
        selling: provider,
        buying: client,
        validating: validator,
        get alerts(): MarketplaceParts['alerts'] {
          return trade.alerts
        },
      }
    },
  }
}

/** Whatever the node tells onlookers, those of REST hear too, until the signal aborts. */
export function tellNews({ events }: NodejsNode, hub: NewsHub, signal: AbortSignal): void {
  for (const name of EVENTS) events.addEventListener(name, ({ detail }) => hub.tell(name, detail), { signal })
}
