// Poseidon2 as a stranger calls it: bigints and bytes in, bigints out, on the caller's thread. It checks what comes in; a kernel computes.

import { checkedBytes } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import { checkElement, packElements, readElement } from './fieldelements.ts'
import type { BlockHashes } from './hashjobs.ts'

/** Most elements or leaves in one call: some seconds. */
export const MAX_ELEMENTS = 2 ** 20
/** Most bytes hashed in one call: some seconds. */
export const MAX_HASHED_BYTES: Bytes = 64 * MiB

const WIDTH = 3

/** Elements are bigints from 0 to the order of the BN254 scalar field, exclusive. All calls are synchronous. */
export interface Poseidon2Functions {
  /** Data reference §2.4. @throws CodexError `slots/bad-state`, `slots/not-an-element` */
  permute(state: readonly [bigint, bigint, bigint]): [bigint, bigint, bigint]
  /** §2.5. @param key also as a number @throws CodexError `slots/not-an-element` */
  compress(a: bigint, b: bigint, key: bigint | number): bigint
  /** The sponge of rate 2 over elements (§2.7). @throws CodexError `slots/not-a-list`, `slots/too-large`, `slots/not-an-element` */
  sponge(elements: readonly bigint[]): bigint
  /** The sponge of rate 2 over bytes, packed by 31 (§2.6). @throws CodexError `slots/not-bytes`, `slots/too-large` */
  hashBytes(bytes: Uint8Array): bigint
  /** The root of the tree over at least one leaf (§2.1). @throws CodexError `slots/no-leaves`, and as `sponge` */
  merkleRoot(leaves: readonly bigint[]): bigint
  /**
   * The hash of a block (§7.2); its last cell may be shorter.
   * @throws CodexError `slots/not-bytes`, `slots/empty-block`, `slots/too-large`, `slots/bad-cell-size`
   */
  blockHash(bytes: Uint8Array, cellSize: Bytes): bigint
}

/** What these functions need of a kernel, all synchronous. */
export interface Poseidon2FunctionsKernel {
  permute(state: readonly [bigint, bigint, bigint]): readonly [bigint, bigint, bigint]
  sponge(elements: readonly bigint[]): bigint
  hashBytes(bytes: Uint8Array): bigint
  merkleRoot(leaves: Uint8Array): Uint8Array
  hashBlocks(bytes: Uint8Array, blockSize: Bytes, cellSize: Bytes): BlockHashes
}

export function poseidon2Functions(kernel: Poseidon2FunctionsKernel): Poseidon2Functions {
  const permute = (a: bigint, b: bigint, c: bigint): [bigint, bigint, bigint] => {
    const [x, y, z] = kernel.permute([a, b, c])
    return [x, y, z]
  }
  return {
    permute: (state) => {
      const [a, b, c] = checkedState(state)
      return permute(a, b, c)
    },
    compress: (a, b, key) => {
      const whole = typeof key === 'number' && Number.isSafeInteger(key) ? BigInt(key) : key
      checkElement(a, 'the first element')
      checkElement(b, 'the second element')
      checkElement(whole as bigint, 'the key')
      return permute(a, b, whole as bigint)[0]
    },
    sponge: (elements) => kernel.sponge(checkedList(elements, 'elements')),
    hashBytes: (bytes) => kernel.hashBytes(checkedLength(bytes, 'the bytes to hash')),
    merkleRoot: (leaves) => {
      const list = checkedList(leaves, 'leaves')
      if (list.length === 0)
        throw new CodexError('slots/no-leaves', 'expected at least one leaf, found none: an empty tree has no root')
      return readElement(kernel.merkleRoot(packElements(list)))
    },
    blockHash: (bytes, cellSize) => {
      const block = checkedLength(bytes, 'a block')
      if (block.length === 0)
        throw new CodexError(
          'slots/empty-block',
          'expected a block of at least one byte, found none: an empty block counts as zeros',
        )
      if (!Number.isSafeInteger(cellSize) || cellSize < 1)
        throw new CodexError(
          'slots/bad-cell-size',
          `expected a cell size from 1 byte, found ${describeValue(cellSize)}`,
          {
            detail: { what: 'cellSize', found: numberOrDescription(cellSize) },
          },
        )
      return readElement(kernel.hashBlocks(block, block.length, cellSize).blockHashes)
    },
  }
}

function checkedState(state: readonly [bigint, bigint, bigint]): readonly [bigint, bigint, bigint] {
  const [a, b, c] = checkedList(state, 'the state')
  if (state.length === WIDTH && a !== undefined && b !== undefined && c !== undefined) return [a, b, c]
  throw new CodexError('slots/bad-state', `expected a state of ${WIDTH} elements, found ${state.length}`, {
    detail: { expected: WIDTH, found: state.length },
  })
}

/** A copy, so that what was checked is what is used. */
function checkedList(values: readonly bigint[], what: string): bigint[] {
  if (!Array.isArray(values))
    throw new CodexError('slots/not-a-list', `expected ${what} as a list of bigints, found ${describeValue(values)}`)
  if (values.length > MAX_ELEMENTS)
    throw new CodexError('slots/too-large', `expected at most ${MAX_ELEMENTS} ${what}, found ${values.length}`, {
      detail: { limit: MAX_ELEMENTS, found: values.length },
    })
  const list = Array.from(values as readonly bigint[])
  for (const [index, value] of list.entries()) checkElement(value, `each of ${what} (this is number ${index})`)
  return list
}

function checkedLength(value: Uint8Array, what: string): Uint8Array {
  const bytes = checkedBytes(value, 'slots/not-bytes', what)
  if (bytes.length <= MAX_HASHED_BYTES) return bytes
  throw new CodexError('slots/too-large', `expected at most ${MAX_HASHED_BYTES} bytes, found ${bytes.length}`, {
    detail: { limit: MAX_HASHED_BYTES, found: bytes.length },
  })
}
