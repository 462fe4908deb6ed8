// How requests travel to one endpoint and answers back: an array of requests as one message. Retrying and matching are rpcclient.ts's work.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { Mutex } from '../lib/mutex.ts'
import { MiB } from '../lib/units.ts'
import type { RpcLines, RpcSocket } from './rpclines.ts'

export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

export interface RpcWire {
  /**
   * Parsed JSON, not looked at further.
   * @throws CodexError `market/unreachable`, `market/rate-limited`, `market/batch-refused`, `market/answer-too-long`, or the signal's reason
   */
  exchange(requests: readonly RpcRequest[], options: AbortOptions): Promise<unknown>
  /** Lets go of the connection, if there is one; the next exchange makes a new one. */
  hangUp(): void
}

/** Longest answer that is read. */
export const MAX_ANSWER_BYTES = 32 * MiB
/** Longest pause that an endpoint can ask for. */
const MAX_RETRY_AFTER_SECONDS = 60

/** After an answer among several was too long: those exchanges come again, and others with them. */
const ONE_BY_ONE_ROUNDS = 4

const SUBSCRIBE = { jsonrpc: '2.0', id: 0, method: 'eth_subscribe', params: ['newHeads'] }

/** @param headSeen called when the endpoint tells of a new block: a hint to look, nothing more */
export function rpcWire(url: string, lines: RpcLines, headSeen: () => void): RpcWire {
  if (/^wss?:/i.test(url)) return new SocketWire(url, lines, headSeen)
  return { exchange: (requests, options) => postRequests(url, lines, requests, options), hangUp: () => undefined }
}

async function postRequests(
  url: string,
  lines: RpcLines,
  requests: readonly RpcRequest[],
  { signal }: AbortOptions,
): Promise<unknown> {
  const body = JSON.stringify(requests.length === 1 ? requests[0] : requests)
  const { status, body: text, retryAfter } = await lines.post(url, body, { signal, limitBytes: MAX_ANSWER_BYTES })
  if (status === 429) throw rateLimited(retryAfter)
  if (status === 413) throw batchRefused(`HTTP ${status}`)
  const answer = parsed(text)
  // Some endpoints send an error of JSON-RPC under an HTTP status of failure.
  if (answer !== undefined && (status === 200 || isRpcAnswer(answer))) return answer
  const found = status === 200 ? 'something else' : `HTTP status ${status}`
  throw new CodexError(
    'market/unreachable',
    `expected a JSON-RPC answer, found ${found}; check the endpoint's address`,
    {
      detail: { status },
    },
  )
}

/** One WebSocket for all exchanges, opened when first needed and again after it ended. */
class SocketWire implements RpcWire {
  readonly #url: string
  readonly #lines: RpcLines
  readonly #headSeen: () => void
  /** By the id of the first request of each exchange, and of all its others. */
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: unknown) => void }>()
  #opening: Promise<RpcSocket> | undefined
  #socket: RpcSocket | undefined
  /** Exchanges that are still made one at a time, to find out whose answer it was that was too long. */
  #oneByOne = 0
  readonly #line = new Mutex()

  constructor(url: string, lines: RpcLines, headSeen: () => void) {
    this.#url = url
    this.#lines = lines
    this.#headSeen = headSeen
  }

  exchange(requests: readonly RpcRequest[], options: AbortOptions): Promise<unknown> {
    if (this.#oneByOne === 0) return this.#exchange(requests, options)
    this.#oneByOne--
    return this.#line.run(() => this.#exchange(requests, options), options)
  }

  async #exchange(requests: readonly RpcRequest[], { signal }: AbortOptions): Promise<unknown> {
    const socket = this.#socket ?? (await this.#open(signal))
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const forget = () => {
        signal.removeEventListener('abort', abort)
        for (const { id } of requests) this.#waiting.delete(id)
      }
      // An exchange is aborted when it took too long: then the line may be half open, and is not used again.
      const abort = () => {
        forget()
        this.hangUp()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      const waiter = {
        resolve: (answer: unknown) => {
          forget()
          resolve(answer)
        },
        reject: (error: unknown) => {
          forget()
          reject(error)
        },
      }
      for (const { id } of requests) this.#waiting.set(id, waiter)
      socket.send(JSON.stringify(requests.length === 1 ? requests[0] : requests))
    })
  }

  hangUp(): void {
    const socket = this.#socket
    this.#closed(unreachable('we hung up'))
    socket?.close()
  }

  async #open(signal: AbortSignal): Promise<RpcSocket> {
    const opening = (this.#opening ??= this.#connect(signal))
    try {
      return await opening
    } finally {
      if (this.#opening === opening) this.#opening = undefined
    }
  }

  async #connect(signal: AbortSignal): Promise<RpcSocket> {
    const line: { socket?: RpcSocket; hasEnded: boolean } = { hasEnded: false }
    const listener = {
      message: (text: string) => this.#take(text),
      closed: (why: CodexError) => {
        line.hasEnded = true
        if (line.socket !== undefined && this.#socket === line.socket) this.#closed(why)
      },
    }
    line.socket = await this.#lines.connect(this.#url, listener, { signal, limitBytes: MAX_ANSWER_BYTES })
    if (line.hasEnded) throw unreachable('the connection was closed')
    this.#socket = line.socket
    line.socket.send(JSON.stringify(SUBSCRIBE))
    return line.socket
  }

  #take(text: string): void {
    const answer = parsed(text)
    const first: unknown = Array.isArray(answer) ? answer[0] : answer
    if (typeof first !== 'object' || first === null) return
    if ('method' in first && first.method === 'eth_subscription') return this.#headSeen()
    // An error without id answers a whole batch; which one is known only while there is one.
    const id = 'id' in first ? first.id : undefined
    const [only] = this.#waiting.values()
    const waiter = typeof id === 'number' ? this.#waiting.get(id) : id === null ? only : undefined
    waiter?.resolve(answer)
  }

  #closed(why: CodexError): void {
    this.#socket = undefined
    const waiters = new Set(this.#waiting.values())
    const isTooLong = why.code === 'market/answer-too-long'
    if (isTooLong) this.#oneByOne = waiters.size > 1 ? ONE_BY_ONE_ROUNDS * waiters.size : 0
    // The others must not be told that theirs was.
    const told = isTooLong && waiters.size > 1 ? unreachable('an answer was too long, perhaps of another request') : why
    for (const waiter of waiters) waiter.reject(told)
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function isRpcAnswer(value: unknown): boolean {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'object' && first !== null && 'jsonrpc' in first
}

/** @param retryAfter as HTTP has it */
export function rateLimited(retryAfter?: string): CodexError<'market/rate-limited'> {
  const asked = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter.trim()) ? Number(retryAfter) : 0
  const waitSeconds = Math.min(asked, MAX_RETRY_AFTER_SECONDS)
  const message = 'the endpoint answers fewer requests than we have; use one with a higher limit'
  return new CodexError('market/rate-limited', message, { detail: { waitSeconds } })
}

export function batchRefused(why: string): CodexError<'market/batch-refused'> {
  return new CodexError('market/batch-refused', `the endpoint does not take so many requests at once: ${why}`)
}

function unreachable(why: string): CodexError<'market/unreachable'> {
  return new CodexError('market/unreachable', `${why}; check the endpoint and the network`)
}
