// What libp2p speaks over in Node: TCP, as the network does, and WebSocket for tabs. Loaded when a network is opened.

import type { AdmitVisit, Transports } from '../../exchange/openlibp2p.ts'
import { guardListener } from './guardlistener.ts'

/** Connections to a listener that nobody has taken yet. */
const BACKLOG = 64

/** @param admit who may come over WebSocket; everyone without it */
export async function nodeTransports(admit?: AdmitVisit): Promise<Transports> {
  supplyWithResolvers()
  const [{ tcp }, { webSockets }, { noiseCrypto: crypto }] = await Promise.all([
    import('@libp2p/tcp'),
    import('@libp2p/websockets'),
    import('./noisecrypto.ts'),
  ])
  await supplyWebSocket()
  const makeTcp = tcp({ backlog: BACKLOG })
  const makeWebSockets = webSockets()
  const makeGuarded: typeof makeWebSockets = (components) => {
    const transport = makeWebSockets(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options) => guardListener(createListener(options), admit)
    return transport
  }
  return { list: [makeTcp, makeGuarded], crypto }
}

/** The transport dials with the global class, which Node has from 22 on. */
async function supplyWebSocket(): Promise<void> {
  if ('WebSocket' in globalThis) return
  const { WebSocket } = await import('ws')
  class CalmWebSocket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols)
      // An error that nobody listens for ends the process; that of the platform's own class does not.
      this.on('error', () => undefined)
    }
  }
  Object.defineProperty(globalThis, 'WebSocket', { configurable: true, writable: true, value: CalmWebSocket })
}

interface Resolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T | PromiseLike<T>) => void
  readonly reject: (reason?: unknown) => void
}

/** js-libp2p relies on `Promise.withResolvers`, which Node has from 22 on; without it connections end as if the peer had reset them. */
function supplyWithResolvers(): void {
  if ('withResolvers' in Promise) return
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: <T>(): Resolvers<T> => {
      let settle: Omit<Resolvers<T>, 'promise'> | undefined
      const promise = new Promise<T>((resolve, reject) => {
        settle = { resolve, reject }
      })
      return { promise, ...(settle as unknown as Omit<Resolvers<T>, 'promise'>) }
    },
  })
}
