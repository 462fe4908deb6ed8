// A time limit for what a request brings along: however its bytes trickle, it must be whole by then. Uploads are not for this: they may take as long as they move.

import type { IncomingMessage, ServerResponse } from 'node:http'

/** Raw, as Node itself answers a head that takes too long: whoever works on the request may hold the response. */
const TOO_SLOW = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

/** Ends the connection of a request whose body is not whole in time. */
export function limitBody(request: IncomingMessage, response: ServerResponse, limitMs: number): void {
  const { headers, socket } = request
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return
  const timer = setTimeout(() => {
    if (request.complete) return
    if (!response.headersSent) socket.write(TOO_SLOW)
    socket.destroySoon()
  }, limitMs)
  timer.unref()
  const end = (): void => clearTimeout(timer)
  request.once('end', end)
  socket.once('close', end)
  // A connection serves many requests.
  response.once('close', () => socket.off('close', end))
}
