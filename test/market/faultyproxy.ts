// An endpoint between a market and its node that fails as endpoints do: down, slow, too many requests, half open, or telling what is not so. Not a test.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

export interface ProxiedCall {
  readonly id: unknown
  readonly method: string
  readonly params: readonly unknown[]
}

/** As JSON-RPC has it. */
export interface ProxiedAnswer {
  result?: unknown
  error?: { readonly code: number; readonly message: string }
}

/** How whole exchanges fail. `dropping` is down too, and takes note: a browser is let ask first whether it may. */
export type Mode = 'fine' | 'down' | 'dropping' | 'half open' | 'too many requests' | 'bad gateway' | 'garbage'

export class FaultyProxy {
  mode: Mode = 'fine'
  /** Before each answer. */
  delayMs = 0
  /** Larger batches are refused. */
  maxBatch = Infinity
  /** Changes the answer to a call; what it returns is sent. Return undefined to leave it. */
  tamper: (call: ProxiedCall, answer: ProxiedAnswer) => ProxiedAnswer | undefined = () => undefined
  /** Waited for before calls reach the node, and before their answers leave. */
  gate: (when: 'before' | 'after', calls: readonly ProxiedCall[]) => Promise<void> = () => Promise.resolve()
  /** Exchanges that came in. */
  exchanges = 0
  readonly calls: ProxiedCall[] = []
  /** That came while it was `dropping`. */
  readonly dropped: ProxiedCall[] = []
  readonly #node: { readonly endpoint: string }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #webSockets = new Set<WebSocket>()

  private constructor(node: { readonly endpoint: string }) {
    this.#node = node
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    const webSockets = new WebSocketServer({ server: this.#server })
    webSockets.on('connection', (socket) => {
      if (this.mode === 'down' || this.mode === 'dropping') return socket.terminate()
      this.#webSockets.add(socket)
      socket.on('close', () => this.#webSockets.delete(socket))
      socket.on('message', (data: Buffer) => void this.#serveSocket(socket, data.toString()))
    })
  }

  /** @param node in front of which it stands */
  static async start(node: { readonly endpoint: string }): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(node)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get websocket(): string {
    return this.endpoint.replace('http', 'ws')
  }

  /** WebSockets that are open. */
  get connections(): number {
    return this.#webSockets.size
  }

  /** Ends all connections, as a crash does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Tells all WebSockets of a new block, as a subscription does. */
  announceHead(): void {
    const params = { subscription: '0x1', result: { number: '0xffffff' } }
    for (const socket of this.#webSockets)
      socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
    } catch {
      return
    }
    // As endpoints for pages do.
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', '*')
    this.exchanges++
    if (this.mode === 'down') return void request.socket.destroy()
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    if (this.mode === 'half open') return
    if (this.mode === 'too many requests') return void response.writeHead(429, { 'retry-after': '1' }).end('slow down')
    if (this.mode === 'bad gateway') return void response.writeHead(502).end('<html>bad gateway</html>')
    const body = Buffer.concat(parts).toString()
    if (this.mode === 'dropping') {
      this.dropped.push(...[JSON.parse(body) as ProxiedCall | ProxiedCall[]].flat())
      return void request.socket.destroy()
    }
    if (Array.isArray(JSON.parse(body)) && (JSON.parse(body) as unknown[]).length > this.maxBatch)
      return void response.writeHead(413).end('too large')
    const answer = await this.#answer(body)
    if (!request.socket.destroyed) response.end(answer)
  }

  async #serveSocket(socket: WebSocket, body: string): Promise<void> {
    this.exchanges++
    if (this.mode === 'half open') return
    const answer = await this.#answer(body)
    if (this.mode === 'fine' && socket.readyState === socket.OPEN) socket.send(answer)
  }

  async #answer(body: string): Promise<string> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
    const asked = JSON.parse(body) as ProxiedCall | ProxiedCall[]
    const calls = [asked].flat()
    this.calls.push(...calls)
    await this.gate('before', calls)
    const response = await fetch(this.#node.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(calls),
    })
    const answers = (await response.json()) as (ProxiedAnswer & { id: unknown })[]
    await this.gate('after', calls)
    const told = calls.map((call) => {
      const answer = answers.find(({ id }) => id === call.id) ?? {}
      return { jsonrpc: '2.0', id: call.id, ...(this.tamper(call, structuredClone(answer)) ?? answer) }
    })
    if (this.mode === 'garbage') return '{"jsonrpc":"2.0","id":'
    return JSON.stringify(Array.isArray(asked) ? told : told[0])
  }
}
