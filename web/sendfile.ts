// A file sent to a server, telling how much has gone: what `fetch` cannot tell.

import { CodexError } from '../src/lib/errors.ts'
import type { Bytes } from '../src/lib/units.ts'

export interface Sending {
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly progress: (sentBytes: Bytes) => void
}

export interface Answered {
  readonly status: number
  readonly body: string
}

/** @throws CodexError `page/node-gone`; the signal's reason */
export function sendFile(url: URL, file: File, { headers, signal, progress }: Sending): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stop = (): void => request.abort()
    signal.addEventListener('abort', stop, { once: true })
    request.open('POST', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded))
    request.addEventListener('loadend', () => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason as Error)
      else if (request.status === 0)
        reject(new CodexError('page/node-gone', 'the node does not answer: see whether it still runs'))
      else resolve({ status: request.status, body: request.responseText })
    })
    request.send(file)
  })
}
