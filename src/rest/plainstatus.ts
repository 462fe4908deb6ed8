// Statuses of the reference's rows, by what went wrong beneath. Those of our own rows are in problemof.ts.

import type { CodexError } from '../lib/errors.ts'

/** Of errors that are a row's ordinary answers; undefined for those that nobody foresaw. */
export function plainStatusOf(error: CodexError): 400 | 404 | 413 | 422 | 503 | undefined {
  return STATUS_BY_CODE.find(([code]) => error.code.startsWith(code))?.[1]
}

/**
 * Each row answers with the statuses that the reference has for it. Two are ours on purpose, where it has none that a client could act on: 503 for too much at
 * once (a seventeenth fetch in the background, too many purchases being made), and 413 for a body that is longer than any terms are.
 */
const STATUS_BY_CODE = [
  ['dataset/not-found', 404],
  ['dataset/block-missing', 404],
  ['exchange/stalled', 404],
  ['dataset/not-a-manifest', 400],
  // What is under that name is not what can be had.
  ['manifest/', 404],
  ['exchange/misfit', 404],
  ['store/quota-exceeded', 422],
  ['rest/too-many-', 503],
  ['rest/body-too-large', 413],
  ['rest/bad-terms', 422],
  ['rest/bad-', 400],
  ['reservations/not-exists', 404],
  ['reservations/too-many', 422],
  ['reservations/bad-terms', 422],
  ['reservations/until-out-of-bounds', 422],
  ['reservations/bytes-out-of-bounds', 422],
  ['reservations/collateral-out-of-bounds', 422],
  ['reservations/reserve-failed', 422],
  ['purchase/bad-terms', 422],
  ['purchase/too-many', 422],
  ['purchase/stopped', 503],
  ['erasure/', 422],
  ['slots/', 422],
] as const
