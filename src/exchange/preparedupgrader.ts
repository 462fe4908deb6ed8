// An upgrader that gets each connection prepared: where a connection of a transport can be reached before anyone uses it.

import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'

/** @param prepare the connection itself, changed */
export function preparedUpgrader(
  upgrader: Upgrader,
  prepare: (connection: MultiaddrConnection) => MultiaddrConnection,
): Upgrader {
  return {
    upgradeInbound: (connection: MultiaddrConnection, options: never) =>
      upgrader.upgradeInbound(prepare(connection), options),
    upgradeOutbound: (connection: MultiaddrConnection, options: never) =>
      upgrader.upgradeOutbound(prepare(connection), options),
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
  }
}
