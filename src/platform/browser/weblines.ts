// RpcLines of a tab: fetch and WebSocket.

import { CodexError } from '../../lib/errors.ts'
import { readText } from '../../lib/readtext.ts'
import type { LineOptions, PostAnswer, RpcLines, RpcSocket, SocketListener } from '../../market/rpclines.ts'

export const webLines: RpcLines = { post, connect }

async function post(url: string, body: string, { limitBytes, signal }: LineOptions): Promise<PostAnswer> {
  try {
    const headers = { 'content-type': 'application/json' }
    // No cookies and no referrer: an endpoint learns what it is asked, not who asks from where.
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers,
      signal,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    })
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
      socket = new WebSocket(url)
    } catch (cause) {
      return reject(unreachable('the address is no WebSocket', cause))
    }
    let isOpen = false
    let why: CodexError = unreachable('the connection was closed')
    const abort = () => {
      socket.close()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.onopen = () => {
      signal.removeEventListener('abort', abort)
      if (signal.aborted) return
      isOpen = true
      resolve({
        send: (text) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(text)
        },
        close: () => socket.close(),
      })
    }
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string' && data.length <= limitBytes) return listener.message(data)
      why = typeof data === 'string' ? tooLong(limitBytes) : unreachable('a message was no text')
      socket.close()
    }
    socket.onclose = () => {
      signal.removeEventListener('abort', abort)
      if (isOpen) listener.closed(why)
      else reject(unreachable('the WebSocket did not open'))
    }
  })
}

function tooLong(limitBytes: number): CodexError<'market/answer-too-long'> {
  const message = `expected an answer of at most ${limitBytes} bytes, found a longer one; ask for less at once`
  return new CodexError('market/answer-too-long', message, { detail: { limitBytes } })
}

function unreachable(why: string, cause?: unknown): CodexError<'market/unreachable'> {
  return new CodexError('market/unreachable', `${why}; check the endpoint and the network`, { cause })
}
