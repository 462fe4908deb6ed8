// What libp2p speaks over in a tab: WebSocket, outward only. Loaded when a network is opened.

import type { Transports } from '../../exchange/openlibp2p.ts'

export async function tabTransports(): Promise<Transports> {
  const [{ webSockets }, { multiaddr }] = await Promise.all([
    import('@libp2p/websockets'),
    import('@multiformats/multiaddr'),
  ])
  const makeWebSockets = webSockets()
  const make: typeof makeWebSockets = (components) => {
    const transport = makeWebSockets(components)
    const dialFilter = transport.dialFilter.bind(transport)
    // A bridge may want a token in the path of its URL. The transport dials such addresses, but takes them for those of another.
    transport.dialFilter = (addresses) =>
      addresses.filter((each) => dialFilter([multiaddr(String(each).replace(/\/http-path\/[^/]+/, ''))]).length > 0)
    return transport
  }
  return { list: [make] }
}
