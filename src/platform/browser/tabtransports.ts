// What libp2p speaks over in a tab: WebSocket, outward only. Loaded when a network is opened.

import type { Transports } from '../../exchange/openlibp2p.ts'

export async function tabTransports(): Promise<Transports> {
  const { webSockets } = await import('@libp2p/websockets')
  return [webSockets()]
}
