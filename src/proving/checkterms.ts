// Checks the terms of a proving key before anything computes with them. It reads the section and keeps nothing.

import { SCALAR_ORDER, viewOf } from './bn254.ts'
import { badFile } from './sections.ts'
import { TERM_BYTES, type ZkeyHeader } from './zkey.ts'

const HIGHEST_WORD = Number(SCALAR_ORDER >> 224n)

/**
 * Checks that each term names a matrix, a row and a wire that exist, and that rows do not go back. Values it checks only roughly: a field
 * element that is somewhat too large is no danger, and its proof does not hold.
 * @param terms whole terms as in the `coefficients` section, after its count
 * @param firstRow the least row they may begin with: what the piece before returned, 0 at first
 * @returns the last row
 * @throws CodexError `proving/bad-zkey`, with the field
 */
export function checkTerms(terms: Uint8Array, header: ZkeyHeader, firstRow: number): number {
  const { wireCount, domainSize } = header
  const view = viewOf(terms)
  let row = firstRow
  for (let at = 0; at < terms.length; at += TERM_BYTES) {
    const next = view.getUint32(at + 4, true)
    const isGood =
      view.getUint32(at, true) <= 1 &&
      next >= row &&
      next < domainSize &&
      view.getUint32(at + 8, true) < wireCount &&
      view.getUint32(at + TERM_BYTES - 4, true) <= HIGHEST_WORD
    if (!isGood)
      throw badFile(
        { magic: 'zkey', code: 'proving/bad-zkey' },
        'term',
        'one of this circuit',
        `another at row ${next}`,
      )
    row = next
  }
  return row
}
