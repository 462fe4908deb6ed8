// The door to the node of the program that serves this page: its REST rows, asked with its token. What the answers say is for those who ask.

import { CodexError } from '../src/lib/errors.ts'
import { type Bytes, KiB } from '../src/lib/units.ts'
import { fields, text } from './documentfields.ts'
import { sendFile } from './sendfile.ts'

/** A node that takes longer is as good as gone. */
const ANSWER_MS = 30_000
/** A document among many in one answer; the longest manifest takes a third of it. */
const MAX_LINE_CHARS = 256 * KiB
const TOKEN_KEY = 'codex-light/token'

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly document?: object
  /** For as long as it takes: it works on it. */
  readonly isLong?: boolean
}

export class NodeDoor {
  #token = sessionStorage.getItem(TOKEN_KEY) ?? ''

  get hasToken(): boolean {
    return this.#token !== ''
  }

  /** Kept for as long as the tab is open. */
  take(token: string): void {
    this.#token = token.trim()
    sessionStorage.setItem(TOKEN_KEY, this.#token)
  }

  /** @param row below /api/v1, or a whole path @throws CodexError `page/wants-token`, `page/node-gone`, `page/node-refused` */
  async ask(
    row: string,
    signal: AbortSignal,
    { method = 'GET', document, isLong = false }: Asking = {},
  ): Promise<unknown> {
    const headers = { ...this.#headers(), ...(document !== undefined && { 'Content-Type': 'application/json' }) }
    const body = document === undefined ? {} : { body: JSON.stringify(document) }
    const patience = isLong ? signal : AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    const response = await reached(signal, fetch(urlOf(row), { method, headers, signal: patience, ...body }))
    return answerOf(response.status, await response.text())
  }

  /**
   * An answer of bytes, as they come: who leaves the loop ends the answer.
   * @throws CodexError as {@link NodeDoor.ask}; the signal's reason
   */
  async *content(row: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const leaving = new AbortController()
    const ending = AbortSignal.any([signal, leaving.signal])
    try {
      const response = await reached(signal, fetch(urlOf(row), { headers: this.#headers(), signal: ending }))
      if (!response.ok) answerOf(response.status, await response.text())
      const reader = response.body?.getReader()
      for (;;) {
        const piece = await reached(signal, reader?.read() ?? Promise.resolve(undefined))
        if (piece?.value === undefined) return
        yield piece.value
      }
    } finally {
      leaving.abort()
    }
  }

  /**
   * An answer of many documents, one a line.
   * @throws CodexError `page/bad-answer` for a line beyond all bounds, and as {@link NodeDoor.content}
   */
  async *documents(row: string, signal: AbortSignal): AsyncGenerator<unknown, void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const piece of this.content(row, signal)) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield parsed(line)
      if (rest.length > MAX_LINE_CHARS) throw new CodexError('page/bad-answer', 'the node answered what cannot be read')
    }
  }

  /** @throws CodexError as {@link NodeDoor.ask}; the signal's reason */
  async send(row: string, file: File, signal: AbortSignal, progress: (sentBytes: Bytes) => void): Promise<unknown> {
    const { status, body } = await sendFile(urlOf(row), file, { headers: this.#headers(), signal, progress })
    return answerOf(status, body)
  }

  #headers(): Record<string, string> {
    return this.#token === '' ? {} : { Authorization: `Bearer ${this.#token}` }
  }
}

/** What the network refuses has no code of ours. @throws CodexError `page/node-gone`; the signal's reason */
async function reached<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    signal.throwIfAborted()
    throw new CodexError('page/node-gone', 'the node does not answer: see whether it still runs', { cause })
  }
}

function urlOf(row: string): URL {
  return new URL(row.startsWith('/') ? row : `/api/v1/${row}`, window.location.origin)
}

function answerOf(status: number, body: string): unknown {
  if (status === 401) throw new CodexError('page/wants-token', 'this node wants its token')
  const found = parsed(body)
  if (status >= 200 && status < 300) return found
  throw new CodexError('page/node-refused', text(fields(found)['title']) || `the node answered ${status}`)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
