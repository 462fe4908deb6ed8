// One request to a running node over its REST surface, streamed both ways. Which requests there are is in remoteaccess.ts.

import type { IncomingMessage, RequestOptions } from 'node:http'
import { request } from 'node:http'
import type { AbortOptions } from '../lib/abort.ts'
import type { ErrorDetail } from '../lib/errors.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { Endpoint } from './endpointfile.ts'

/** Of an answer that is one document. */
const MAX_DOCUMENT_BYTES = 4 * MiB

export interface NodeCall extends AbortOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/api/v1/`, with its query. */
  readonly path: string
  readonly body?: AsyncIterable<Uint8Array> | undefined
}

/** Whether a node of ours listens there at all. Rejects with the signal's reason. */
export async function isAnswering(endpoint: Endpoint, { signal }: AbortOptions): Promise<boolean> {
  try {
    await documentOf(await callNode(endpoint, { method: 'GET', path: 'health', signal }))
    return true
  } catch (error) {
    signal.throwIfAborted()
    return !CodexError.is(error)
  }
}

/** The answer, when it is a good one. @throws CodexError what the node answers with, `node/not-reached`, the signal's reason */
export async function callNode(endpoint: Endpoint, call: NodeCall): Promise<IncomingMessage> {
  const response = await send(endpoint, call)
  if (response.statusCode !== undefined && response.statusCode < 300) return response
  throw errorIn(await documentOf(response), response.statusCode ?? 0)
}

/** @throws CodexError `node/bad-answer` */
export async function documentOf(response: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of piecesOf(response)) {
    parts.push(Buffer.from(part))
    bytes += part.length
    if (bytes > MAX_DOCUMENT_BYTES) throw badAnswer(`more than ${MAX_DOCUMENT_BYTES} bytes`)
  }
  const text = Buffer.concat(parts).toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    throw badAnswer(text.slice(0, 80))
  }
}

/** The documents of an answer that is one per line. */
export async function* linesOf(response: IncomingMessage): AsyncGenerator<unknown, void> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const piece of piecesOf(response)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line)
    if (rest.length > MAX_DOCUMENT_BYTES) throw badAnswer('a line without an end')
  }
  if (rest !== '') throw brokenOff()
}

/** @throws CodexError `node/not-reached` when the answer breaks off */
export async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const piece of response) yield piece as Uint8Array
  } catch (cause) {
    throw brokenOff(cause)
  }
}

/** An error of the node, as it was thrown there. */
export function errorIn(answer: unknown, status = 0): CodexError {
  const { code, title, fields } = (answer ?? {}) as { code?: unknown; title?: unknown; fields?: unknown }
  if (typeof code !== 'string' || typeof title !== 'string') return badAnswer(`status ${status}`)
  return new CodexError(code, title, { detail: (fields ?? {}) as ErrorDetail })
}

async function send(endpoint: Endpoint, { method, path, body, signal }: NodeCall): Promise<IncomingMessage> {
  signal.throwIfAborted()
  const options: RequestOptions = { method, signal, headers: { Authorization: `Bearer ${endpoint.token}` } }
  const sent = request(new URL(`api/v1/${path}`, endpoint.url), options)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.on('error', reject)
  })
  answered.catch(() => undefined)
  const sending = sendBody(sent, body, answered)
  try {
    const response = await Promise.race([answered, sending.then(() => answered)])
    // Met below by whoever reads the answer, or not at all.
    response.on('error', () => undefined)
    return response
  } catch (cause) {
    sent.destroy()
    signal.throwIfAborted()
    if (CodexError.is(cause)) throw cause
    throw new CodexError('node/not-reached', `the running node at ${endpoint.url} did not answer: ${textOf(cause)}`, {
      detail: { url: endpoint.url },
      cause,
    })
  }
}

/** Ends early when the answer comes early: then it is a refusal. */
async function sendBody(
  sent: ReturnType<typeof request>,
  body: AsyncIterable<Uint8Array> | undefined,
  answered: Promise<unknown>,
): Promise<void> {
  const over = { isOver: false }
  const end = (): void => {
    over.isOver = true
  }
  answered.then(end, end)
  try {
    for await (const piece of body ?? []) {
      if (over.isOver) break
      // Its bytes may be overwritten once the next piece is asked for.
      const room = sent.write(Buffer.from(piece))
      if (!room)
        await Promise.race([new Promise((resolve) => sent.once('drain', resolve)), answered.catch(() => undefined)])
    }
    sent.end()
  } catch (error) {
    // What the source throws is what the caller is told, and the node hears that there is no more.
    sent.destroy()
    throw error
  }
}

function brokenOff(cause?: unknown): CodexError<'node/not-reached'> {
  return new CodexError('node/not-reached', 'the running node went away in the middle of its answer', { cause })
}

function badAnswer(found: string): CodexError<'node/bad-answer'> {
  return new CodexError('node/bad-answer', `expected an answer of a codex-light node, found ${JSON.stringify(found)}`)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
