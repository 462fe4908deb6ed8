// An answer of many documents, one a line, each sent when it is there.

import { bodyOf, signalOf } from './bodyof.ts'
import type { RestContext } from './restparts.ts'

const JSON_LINES = 'application/x-ndjson'

/** What fails before the first line is answered as an error. */
export async function jsonLines(c: RestContext, documents: AsyncIterable<object>): Promise<Response> {
  const encoder = new TextEncoder()
  const texts = (async function* () {
    for await (const each of documents) yield encoder.encode(`${JSON.stringify(each)}\n`)
  })()
  return c.body(await bodyOf(texts, { signal: signalOf(c) }), 200, { 'Content-Type': JSON_LINES })
}
