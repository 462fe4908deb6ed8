// The JSON body of a request, read whole within a bound, whatever its Content-Type says: the SDK sends none.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { RestContext } from './restparts.ts'
import type { Shape } from './shape.ts'

/** No document that is asked for has more. */
export const MAX_DOCUMENT_BYTES: Bytes = 64 * KiB

/**
 * What the body says, as `shape` reads it.
 * @throws CodexError `rest/body-too-large`, `rest/bad-json`, `rest/bad-field`
 */
export async function documentIn<T>(c: RestContext, shape: Shape<T>): Promise<T> {
  return shape.read(parsed(await bodyText(c)), '')
}

async function bodyText(c: RestContext): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of c.req.raw.body ?? []) {
    bytes += part.length
    if (bytes > MAX_DOCUMENT_BYTES)
      throw new CodexError('rest/body-too-large', `expected a body of at most ${MAX_DOCUMENT_BYTES} bytes`, {
        detail: { limitBytes: MAX_DOCUMENT_BYTES },
      })
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Texts, so that what stands in them stays; and whole numbers that may be longer than JavaScript's. Of JSON only: a text without an end takes it long. */
const TEXT_OR_LONG_NUMBER = /"(?:[^"\\]|\\.)*"|(?<![\w.+-])-?[1-9]\d{15,}(?![\w.])/g

/** A number that would lose digits becomes the text of them, which says the same to every shape of one. */
function exactly(found: string): string {
  return found.startsWith('"') || Number.isSafeInteger(Number(found)) ? found : `"${found}"`
}

function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body)
    return /\d{16}/.test(body) ? JSON.parse(body.replace(TEXT_OR_LONG_NUMBER, exactly)) : value
  } catch (cause) {
    throw new CodexError('rest/bad-json', 'expected a JSON document as body', { cause })
  }
}
