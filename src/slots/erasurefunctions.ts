// The erasure code as a stranger calls it: lists of blocks in, lists of blocks out, on the caller's thread. It checks what comes in; a kernel computes.

import { checkedBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'

/** Leopard, bit for bit (data reference §5.3 to §5.6). Blocks are of one size, a multiple of 64 bytes. All calls are synchronous. */
export interface ErasureFunctions {
  /**
   * The parity blocks of `data`, from none to as many as there are data blocks.
   * @throws CodexError `erasure/not-a-list`, `erasure/not-bytes` (with the `index`), `erasure/no-data`, `erasure/not-a-count`,
   *   `erasure/more-parity-than-data`, `erasure/too-many-rows`, `erasure/unequal-blocks`, `erasure/not-whole-groups`
   */
  encode(data: readonly Uint8Array[], parityCount: number): Uint8Array[]
  /**
   * All data blocks: those given as they are, the missing ones (`undefined`) computed. At least as many blocks must be given in all as there
   * are data blocks; more are not compared.
   * @throws CodexError as `encode`, and `erasure/too-few-rows`
   */
  decode(data: readonly (Uint8Array | undefined)[], parity: readonly (Uint8Array | undefined)[]): Uint8Array[]
}

/** Positions of the largest code: no list of blocks is longer. */
const MAX_ROWS = 65_536

/** What these functions need of a kernel. */
export interface ErasureKernel {
  encode(data: readonly Uint8Array[], parityCount: number): Uint8Array[]
  decode(data: readonly (Uint8Array | undefined)[], parity: readonly (Uint8Array | undefined)[]): Uint8Array[]
}

export function erasureFunctions(kernel: ErasureKernel): ErasureFunctions {
  return {
    encode: (data, parityCount) => {
      const blocks = checkedRows(data, 'data').map((block, index) => block ?? missing(index))
      return kernel.encode(blocks, checkedCount(parityCount))
    },
    decode: (data, parity) => kernel.decode(checkedRows(data, 'data'), checkedRows(parity, 'parity')),
  }
}

/** A copy of the list, holes filled with undefined. */
function checkedRows(rows: readonly (Uint8Array | undefined)[], what: string): (Uint8Array | undefined)[] {
  if (!Array.isArray(rows))
    throw new CodexError('erasure/not-a-list', `expected the ${what} blocks as a list, found ${describeValue(rows)}`)
  if (rows.length > MAX_ROWS)
    throw new CodexError('erasure/too-many-rows', `expected at most ${MAX_ROWS} ${what} blocks, found ${rows.length}`, {
      detail: { what, limit: MAX_ROWS, found: rows.length },
    })
  return Array.from(rows as readonly (Uint8Array | undefined)[], (block, index) => {
    if (block === undefined) return undefined
    try {
      return checkedBytes(block, 'erasure/not-bytes', `${what} block ${index}`)
    } catch (error) {
      throw CodexError.is(error) ? new CodexError(error.code, error.message, { detail: { what, index } }) : error
    }
  })
}

function checkedCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw new CodexError(
    'erasure/not-a-count',
    `expected a number of parity blocks from 0, found ${describeValue(count)}`,
  )
}

function missing(index: number): never {
  throw new CodexError('erasure/not-bytes', `expected all data blocks, found none at index ${index}`, {
    detail: { what: 'data', index },
  })
}
