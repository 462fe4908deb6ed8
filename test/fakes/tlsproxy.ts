// What people put before a bridge: a proxy that ends TLS, passes WebSocket on, and says in X-Forwarded-For who comes. Not a test.

import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'

import type { Certificate } from './selfsigned.ts'

export interface TlsProxy {
  readonly port: number
  /** Where those come from who connect from then on, as it says. */
  client: string
  close(): Promise<void>
}

export async function tlsProxy(targetPort: number, certificate: Certificate): Promise<TlsProxy> {
  const sockets = new Set<Socket>()
  const server = createServer(certificate)
  const proxy = { client: '203.0.113.7' }
  server.on('upgrade', ({ method, url, rawHeaders }, socket: Socket, head) => {
    const target = connect(targetPort, '127.0.0.1')
    for (const each of [socket, target]) {
      sockets.add(each)
      each.on('error', () => undefined).on('close', () => [socket, target].forEach((one) => one.destroy()))
    }
    const headers = rawHeaders.flatMap((text, i) => (i % 2 === 0 ? [`${text}: ${rawHeaders[i + 1]}`] : []))
    const lines = [`${method} ${url} HTTP/1.1`, ...headers, `X-Forwarded-For: ${proxy.client}`, '', '']
    target.write(lines.join('\r\n'))
    target.write(head)
    socket.pipe(target).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
