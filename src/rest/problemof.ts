// Errors of our own rows: a document that keeps the code, and the status that goes with it. Those of the reference's rows are in restapp.ts.

import { CodexError, type ErrorDetail } from '../lib/errors.ts'
import { plainFields } from '../lib/plainvalue.ts'

/** An error of ours as a document that keeps its code, and in `fields` what it says of itself (RFC 9457, extension members). */
export function problemOf(error: unknown): {
  readonly status: 400 | 404 | 409 | 413 | 422 | 500 | 503
  readonly body: object
} {
  if (!CodexError.is(error)) return { status: 500, body: { title: 'unexpected error', code: 'rest/unexpected' } }
  return {
    status: STATUS_BY_CODE.find(([code]) => error.code.startsWith(code))?.[1] ?? 409,
    body: { title: error.message, code: error.code, fields: plainFields(namingField(error)) },
  }
}

/** What the error says of itself; where what was given is wrong, `field` names it as the row does: in its path, its query, or its body. */
function namingField({ code, detail }: CodexError): ErrorDetail {
  const field = detail['field'] ?? detail['term'] ?? FIELD_BY_CODE.find(([each]) => code.startsWith(each))?.[1]
  if (code === 'manifest/bad-text') return { ...detail, field: detail['what'] }
  return field === undefined ? detail : { ...detail, field }
}

/** Of errors that beneath know nothing of rows. */
const FIELD_BY_CODE = [
  ['cid/', 'cid'],
  ['dataset/not-a-manifest', 'cid'],
  ['dataset/bad-range', 'offset'],
  ['peer/', 'address'],
  ['multiaddr/', 'address'],
  ['spr/', 'address'],
  ['rest/bad-json', 'body'],
  ['rest/body-too-large', 'body'],
  ['rest/bad-code', 'tolerance'],
  ['reservations/reserve-failed', 'totalSize'],
  ['reservations/bytes-out-of-bounds', 'totalSize'],
  ['reservations/collateral-out-of-bounds', 'totalCollateral'],
  ['reservations/until-out-of-bounds', 'until'],
  ['erasure/bad-code', 'nodes'],
  ['slots/bad-challenge', 'challenge'],
  ['slots/no-such-slot', 'index'],
] as const

/** What is answered before any row is reached: who asks what they may not, and paths that lead nowhere. */
const REFUSALS = {
  400: 'rest/bad-path',
  401: 'rest/wants-token',
  403: 'rest/foreign-page',
  404: 'rest/no-such-row',
  413: 'rest/body-too-large',
  421: 'rest/wrong-host',
} as const
export type RefusalStatus = keyof typeof REFUSALS

/** Such an answer: a document below our own rows, plain text below those of others. */
export function refusalAnswer(
  target: string,
  status: RefusalStatus,
  text: string,
): { readonly contentType: string; readonly body: string } {
  if (!/^\/api\/v1(?:[/?#]|$)/.test(target)) return { contentType: 'text/plain; charset=utf-8', body: text }
  return { contentType: PROBLEM_TYPE, body: problemText(status, { title: text, code: REFUSALS[status], fields: {} }) }
}

export const PROBLEM_TYPE = 'application/problem+json'

export function problemText(status: number, body: object): string {
  return JSON.stringify({ type: 'about:blank', status, ...body })
}

const STATUS_BY_CODE = [
  ['dataset/not-found', 404],
  ['dataset/bad-range', 400],
  ['dataset/not-a-manifest', 400],
  ['store/quota-exceeded', 413],
  ['cid/', 400],
  ['peer/', 400],
  ['multiaddr/', 400],
  ['spr/', 400],
  ['manifest/bad-text', 400],
  ['rest/bad-terms', 422],
  ['rest/bad-', 400],
  ['rest/body-too-large', 413],
  ['rest/too-many-', 503],
  ['rest/no-market', 503],
  ['reservations/not-exists', 404],
  ['reservations/not-empty', 409],
  ['reservations/', 422],
  ['purchase/not-found', 404],
  ['purchase/not-over', 409],
  ['purchase/nothing-to-withdraw', 409],
  ['purchase/stopped', 503],
  ['purchase/', 422],
  ['erasure/', 422],
  ['slots/bad-', 400],
  ['slots/no-such-slot', 404],
  ['market/', 503],
  ['datastore/', 500],
  ['slab/', 500],
  ['store/', 500],
] as const
