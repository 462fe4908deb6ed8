// An answer that is one JSON document, with numbers beyond JavaScript's.

import { type JsonDocument, jsonText } from './jsontext.ts'
import type { RestContext } from './restparts.ts'

export function jsonAnswer(c: RestContext, answer: JsonDocument, status: 200 | 201 | 202 | 503 = 200): Response {
  return c.body(jsonText(answer), status, { 'Content-Type': 'application/json' })
}
