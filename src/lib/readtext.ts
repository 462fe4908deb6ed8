// Reads a stream of bytes as text, up to a limit. What the text means is the caller's business.

import type { Bytes } from './units.ts'

/** UTF-8 of all of `stream`; undefined, the rest unread, once it is longer than `limitBytes`. Rejects as the stream does. */
export async function readText(stream: ReadableStream<Uint8Array>, limitBytes: Bytes): Promise<string | undefined> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let total = 0
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    total += part.value.length
    if (total > limitBytes) {
      await reader.cancel().catch(() => undefined)
      return undefined
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text + decoder.decode()
}
