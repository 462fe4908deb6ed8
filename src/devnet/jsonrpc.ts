// JSON-RPC over HTTP to a local EVM node: one call or several in one request, no retries. The production client is in the room market.

import { Agent, request } from 'node:http'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'

export type RpcCall = readonly [method: string, params?: readonly unknown[]]

interface RpcAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** The error detail holds the node's `rpcCode`, `rpcMessage`, and as `data` the revert data in 0x-hex when it gave some. */
export type RpcError = CodexError<'devnet/rpc-refused'>

export class JsonRpc {
  readonly #endpoint: string
  readonly #signal: AbortSignal
  /** Connections are kept, because a new one for each call takes longer than the call. */
  readonly #agent = new Agent({ keepAlive: true })
  #lastId = 0

  /** @param signal ends every call that is under way, and closes the connections */
  constructor(endpoint: string, { signal }: AbortOptions) {
    this.#endpoint = endpoint
    this.#signal = signal
    signal.addEventListener('abort', () => this.#agent.destroy(), { once: true })
  }

  /** @throws CodexError `devnet/rpc-refused` with the node's answer, `devnet/unreachable` */
  async call<T = unknown>(method: string, params: readonly unknown[] = []): Promise<T> {
    const [answer] = await this.#ask([[method, params]])
    return resultOf(answer, method) as T
  }

  /**
   * In one request. The node may work on them in any order, so only reads belong here, or calls that do not meet.
   * @throws CodexError as {@link call}, for the first that was refused
   */
  async batch(calls: readonly RpcCall[]): Promise<readonly unknown[]> {
    const outcomes = await this.settle(calls)
    return outcomes.map((outcome) => {
      if (CodexError.is(outcome)) throw outcome
      return outcome
    })
  }

  /** As {@link batch}, with the `devnet/rpc-refused` of each call that was refused in the place of its result. */
  async settle(calls: readonly RpcCall[]): Promise<readonly unknown[]> {
    if (calls.length === 0) return []
    const answers = await this.#ask(calls)
    return calls.map(([method], i) => {
      try {
        return resultOf(answers[i], method)
      } catch (error) {
        return error
      }
    })
  }

  async #ask(calls: readonly RpcCall[]): Promise<readonly (RpcAnswer | undefined)[]> {
    const first = this.#lastId + 1
    this.#lastId += calls.length
    const asked = calls.map(([method, params = []], i) => ({ jsonrpc: '2.0', id: first + i, method, params }))
    const answers = await this.#post(asked.length === 1 ? asked[0] : asked)
    const byId = new Map(answers.map((answer) => [answer.id, answer]))
    return asked.map(({ id }) => byId.get(id))
  }

  async #post(body: unknown): Promise<readonly RpcAnswer[]> {
    const text = JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? quantity(value) : value))
    try {
      const answer = JSON.parse(await this.#exchange(text)) as RpcAnswer | readonly RpcAnswer[]
      return Array.isArray(answer) ? (answer as readonly RpcAnswer[]) : [answer as RpcAnswer]
    } catch (cause) {
      if (this.#signal.aborted) throw this.#signal.reason
      const message = `expected an answer from the EVM node at ${this.#endpoint}, found: ${String(cause)}`
      throw new CodexError('devnet/unreachable', message, { detail: { endpoint: this.#endpoint }, cause })
    }
  }

  /** Not by `fetch`, which keeps a listener on the signal for each call until they are collected. */
  #exchange(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.#agent, headers: { 'content-type': 'application/json' } }
      const asked = request(this.#endpoint, options, (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
        response.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }
}

/** A number as JSON-RPC writes it: 0x-hex without leading zeros. */
export function quantity(value: bigint | number): string {
  return `0x${value.toString(16)}`
}

function resultOf(answer: RpcAnswer | undefined, method: string): unknown {
  if (answer === undefined) throw new CodexError('devnet/rpc-refused', `expected an answer to ${method}, found none`)
  if (answer.error === undefined) return answer.result
  const { code, message, data } = answer.error
  throw new CodexError('devnet/rpc-refused', `the EVM node refused ${method}: ${message}`, {
    detail: { method, rpcCode: code, rpcMessage: message, data: typeof data === 'string' ? data : undefined },
  })
}
