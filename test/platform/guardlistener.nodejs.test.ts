// The WebSocket port of a node towards who never becomes a peer: sockets that say nothing, messages that nobody has reason to send.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { MAX_PEERS } from '../../src/exchange/blockexchange.ts'
import { MAX_WRITE_BYTES } from '../../src/exchange/joinedwrites.ts'
import {
  guardListener,
  MAX_SOCKETS,
  MAX_WAITING,
  MAX_WEBSOCKET_BYTES,
} from '../../src/platform/nodejs/guardlistener.ts'
import { networkNode } from '../fakes/networknodes.ts'

const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

async function knock(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** A node on WebSocket alone, and its port. */
async function listening() {
  const node = await networkNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  return { node, port: Number(/\/tcp\/(\d+)/.exec(node.network.addresses()[0] ?? '')?.[1]) }
}

test('a socket that says nothing does not keep a node from stopping', async () => {
  const { node, port } = await listening()
  const silent = await knock(port)
  const gone = once(silent, 'close')
  await node.stop()
  await gone
})

test('limits are those of the exchange', () => {
  expect(MAX_WEBSOCKET_BYTES).toBe(MAX_WRITE_BYTES)
  expect(MAX_SOCKETS).toBeGreaterThanOrEqual(MAX_PEERS + MAX_WAITING)
})

test('a message larger than any peer sends ends the connection before it is buffered', async () => {
  const { node, port } = await listening()
  const visitor = new WebSocket(`ws://127.0.0.1:${port}/`)
  await once(visitor, 'open')
  visitor.send(new Uint8Array(MAX_WEBSOCKET_BYTES + 1))
  // 1009: too big.
  expect((await once(visitor, 'close'))[0]).toBe(1009)
  await node.stop()
})

test('what is no WebSocket message ends the connection, and not the node', async () => {
  const { node, port } = await listening()
  const visitor = new WebSocket(`ws://127.0.0.1:${port}/`)
  await once(visitor, 'open')
  ;(visitor as unknown as { readonly _socket: Socket })._socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  // 1002: against the protocol.
  expect((await once(visitor, 'close'))[0]).toBe(1002)
  await node.stop()
})

test('a socket that says nothing is closed after a while, and the oldest when there are many', async () => {
  const server = createServer()
  const close = async (): Promise<void> => void server.close()
  const ignore = (): void => undefined
  const listener = { server, close, onUpgrade: ignore, onWsServerConnection: ignore, wsServer: { options: {} } }
  guardListener(listener, undefined, { requestMs: 50 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await once(await knock(port), 'close')

  const patient = createServer()
  guardListener({ ...listener, server: patient }, undefined)
  patient.listen(0, '127.0.0.1')
  await once(patient, 'listening')
  const busy = (patient.address() as { port: number }).port
  const first = once(await knock(busy), 'close')
  for (let i = 0; i < MAX_WAITING; i++) await knock(busy)
  await first
  await listener.close()
  patient.close()
})

test('a listener that is made otherwise is refused', () => {
  for (const listener of [{}, { onUpgrade: () => undefined }, { onUpgrade: () => undefined, close: async () => {} }])
    expect(() => guardListener(listener, undefined)).toThrow()
})
