// RpcLines of Node: its own fetch, and WebSocket from a package, because Node 20 has none.

import { WebSocket } from 'ws'
import { CodexError } from '../../lib/errors.ts'
import { readText } from '../../lib/readtext.ts'
import type { LineOptions, PostAnswer, RpcLines, RpcSocket, SocketListener } from '../../market/rpclines.ts'

export const nodeLines: RpcLines = { post, connect }

async function post(url: string, body: string, { limitBytes, signal }: LineOptions): Promise<PostAnswer> {
  try {
    const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' }, signal })
    const text = answer.body === null ? '' : await readText(answer.body, limitBytes)
    if (text === undefined) throw tooLong(limitBytes)
    return { status: answer.status, body: text, retryAfter: answer.headers.get('retry-after') ?? undefined }
  } catch (cause) {
    signal.throwIfAborted()
    if (CodexError.is(cause)) throw cause
    throw unreachable('the request got no answer', cause)
  }
}

function connect(url: string, listener: SocketListener, { limitBytes, signal }: LineOptions): Promise<RpcSocket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    let socket: WebSocket
    try {
      socket = new WebSocket(url, { maxPayload: limitBytes, perMessageDeflate: false })
    } catch (cause) {
      return reject(unreachable('the address is no WebSocket', cause))
    }
    let isOpen = false
    let failure: (Error & { readonly code?: string }) | undefined
    const abort = () => {
      // Ends at once, where `close` would wait for an answer that a dead line never gives.
      socket.terminate()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.on('open', () => {
      signal.removeEventListener('abort', abort)
      isOpen = true
      resolve({
        send: (text) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(text)
        },
        close: () => socket.terminate(),
      })
    })
    socket.on('message', (data, isBinary) => {
      if (!isBinary) listener.message((data as Buffer).toString('utf8'))
    })
    socket.on('error', (error) => {
      failure = error
      // Else it would wait for a farewell.
      if (isOpen) socket.terminate()
    })
    socket.on('close', () => {
      signal.removeEventListener('abort', abort)
      const why = failure?.message ?? 'the connection was closed'
      if (!isOpen) reject(unreachable(`the WebSocket did not open: ${why}`, failure))
      else if (failure?.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') listener.closed(tooLong(limitBytes))
      else listener.closed(unreachable(why, failure))
    })
  })
}

function tooLong(limitBytes: number): CodexError<'market/answer-too-long'> {
  const message = `expected an answer of at most ${limitBytes} bytes, found a longer one; ask for less at once`
  return new CodexError('market/answer-too-long', message, { detail: { limitBytes } })
}

function unreachable(why: string, cause?: unknown): CodexError<'market/unreachable'> {
  return new CodexError('market/unreachable', `${why}; check the endpoint and the network`, { cause })
}
