// Answers over a WebSocket that are longer than is read: told as such, and to those alone who asked for them.

import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { RpcClient } from '../../src/market/rpcclient.ts'
import type { RpcLines } from '../../src/market/rpclines.ts'
import { rpcWire } from '../../src/market/rpcwire.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import { fastClock } from './fastclock.ts'

const LIMIT = 1000
const never = { signal: new AbortController().signal }

interface Call {
  readonly id: number
  readonly method: string
}

/** Answers `short` calls once a `long` one has been answered, which is too long. @returns its URL */
async function endpoint(): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  let longAnswers = 0
  const waiting: (() => void)[] = []
  const answer = (socket: WebSocket, { id }: Call, result: string) =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }))
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const call = JSON.parse(data.toString()) as Call
      if (call.method === 'long') {
        longAnswers++
        answer(socket, call, 'x'.repeat(2 * LIMIT))
        for (const go of waiting.splice(0)) go()
      } else if (call.method !== 'short' || longAnswers > 0) answer(socket, call, 'ok')
      else waiting.push(() => answer(socket, call, 'ok'))
    })
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function open(): Promise<RpcClient> {
  const lines: RpcLines = {
    post: (...args) => nodeLines.post(...args),
    connect: (url, listener, options) => nodeLines.connect(url, listener, { ...options, limitBytes: LIMIT }),
  }
  const clock = fastClock(100)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const wire = rpcWire(await endpoint(), lines, () => undefined)
  // A call a message; waits long, for the clock runs fast.
  const rpc = new RpcClient({ wire, clock, log }, { batchCalls: 1, timeoutSeconds: 1000 })
  onTestFinished(() => rpc.close())
  return rpc
}

it('one that is too long is told as such, and the next call gets its answer', async () => {
  const rpc = await open()
  await expect(rpc.call('long', [], never)).rejects.toMatchObject({ code: 'market/answer-too-long' })
  expect(rpc.problem).toBeUndefined()
  expect(await rpc.call('short', [], never)).toBe('ok')
})

it('of several calls under way the one whose answer is too long is told, and all others get theirs', async () => {
  const rpc = await open()
  const shorts = [1, 2, 3].map(() => rpc.call('short', [], never))
  await expect(rpc.call('long', [], never)).rejects.toMatchObject({ code: 'market/answer-too-long' })
  expect(await Promise.all(shorts)).toEqual(['ok', 'ok', 'ok'])
})
