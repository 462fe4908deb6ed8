// An endpoint in front of the chain's, which knows whether anybody is asking something, so that a test's time can wait until nobody does; and which tells of
// each exchange at two moments, so that a test can have a process killed there. Not a test.

import { Agent, createServer, type IncomingMessage, request as send, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Before an exchange reaches the chain, and before its answer reaches who asked. */
export type Moment = 'asked' | 'answered'
/** The exchange waits for it. `drop`: it ends there, and whoever asked hears nothing. */
export type Tripwire = (moment: Moment, body: string) => Promise<'go on' | 'drop'>

export class QuietEndpoint {
  tripwire: Tripwire = () => Promise.resolve('go on')
  readonly #target: string
  readonly #server: Server
  readonly #lines = new Agent({ keepAlive: true })
  #open = 0
  #asked = 0

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start({ endpoint }: { readonly endpoint: string }): Promise<QuietEndpoint> {
    const made = new QuietEndpoint(endpoint)
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve))
    return made
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Exchanges under way. */
  get open(): number {
    return this.#open
  }

  /** Exchanges so far. */
  get asked(): number {
    return this.#asked
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    this.#lines.destroy()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open++
    this.#asked++
    try {
      // As endpoints for pages do.
      response.setHeader('Access-Control-Allow-Origin', '*')
      response.setHeader('Access-Control-Allow-Headers', '*')
      response.setHeader('Access-Control-Max-Age', '600')
      if (request.method === 'OPTIONS') return void response.writeHead(204).end()
      const body = await textOf(request)
      if ((await this.tripwire('asked', body)) === 'drop') return void request.socket.destroy()
      const answer = await this.#pass(body)
      if ((await this.tripwire('answered', body)) === 'drop') return void request.socket.destroy()
      response.writeHead(200, JSON_HEADERS).end(answer)
    } catch {
      // Whoever asked, or the chain, has ended.
      request.socket.destroy()
    } finally {
      this.#open--
    }
  }

  #pass(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.#lines, headers: JSON_HEADERS }
      send(this.#target, options, (answer) => void textOf(answer).then(resolve, reject))
        .once('error', reject)
        .end(body)
    })
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' }

async function textOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
