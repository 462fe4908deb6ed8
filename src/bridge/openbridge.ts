// The bridge: lets tabs in over WebSocket and gets for them what only the rest of the network has. It passes on blocks, each with what proves it; it
// opens no connection to anything that a tab names.

import type { Bytes } from '../lib/units.ts'
import type { BridgeDoor, NodejsNode } from '../nodejs.ts'
import { admitting } from '../nodejs.ts'

type NetworkSettings = Parameters<NodejsNode['join']>[0]

/** Where tabs come in, unless an address of the node is one for WebSocket already. */
export const DEFAULT_BRIDGE_ADDRESS = '/ip4/127.0.0.1/tcp/8071/ws'

export interface BridgeSettings extends BridgeDoor {
  /** Blocks kept for the next tab that asks. */
  readonly cacheBytes?: Bytes | undefined
}

/** The settings to join the network with, so that a bridge can be opened on it. */
export function bridgedSettings(network: NetworkSettings, settings: BridgeSettings): NetworkSettings {
  const listen = network.listen ?? []
  const hasWebSocket = listen.some((address) => /\/wss?(\/|$)/.test(address))
  return {
    ...network,
    listen: hasWebSocket ? listen : [...listen, DEFAULT_BRIDGE_ADDRESS],
    admit: admitting(settings),
  }
}

/**
 * Opens the bridge on a node that has joined the network.
 * @returns the multiaddrs that tabs connect to
 */
export async function openBridge(node: NodejsNode, { token, cacheBytes }: BridgeSettings): Promise<readonly string[]> {
  const { network } = node
  if (network === undefined) return []
  await network.relay({ cacheBytes })
  const path = token === undefined ? '' : `/http-path/${token}`
  return network
    .addresses()
    .filter((address) => /\/wss?$/.test(address))
    .map((address) => `${address}${path}/p2p/${network.peerId}`)
}
