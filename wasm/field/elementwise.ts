// Field arithmetic on arrays of numbers: bytes in, bytes out, nothing resident. For setup and tests rather than for provers, whose
// numbers stay in the kernel.

import { CodexError } from '../../src/lib/errors.ts'
import {
  checkNumbers,
  countOf,
  ELEMENT_BYTES,
  type FieldName,
  flag,
  type KernelParts,
  NUMBER_BYTES,
  type NumberForm,
} from './kernelparts.ts'

export type Operation = 'add' | 'subtract' | 'multiply' | 'invert' | 'convert'

/** Numbers in one piece: what of a long array is in the kernel at a time. */
const PIECE = 4096

interface Forms {
  readonly from: NumberForm
  readonly to: NumberForm
}

/**
 * @param inputs one array or two of one length
 * @throws CodexError `field/wrong-size` or `field/not-an-element`
 */
export function elementwise(
  parts: KernelParts,
  operation: Operation,
  field: FieldName,
  inputs: readonly [Uint8Array, ...Uint8Array[]],
  forms: Forms = { from: 'plain', to: 'plain' },
): Uint8Array {
  const [first] = inputs
  const count = countOf(first, NUMBER_BYTES, 'numbers')
  for (const input of inputs) checkSameLength(first, input)
  const output = new Uint8Array(first.length)
  const { heap } = parts
  const areas = [(PIECE + 1) * NUMBER_BYTES, ...Array<number>(3).fill((PIECE + 1) * ELEMENT_BYTES)]
  const addresses = areas.map((bytes) => heap.lend(bytes))
  try {
    for (let from = 0; from < count; from += PIECE)
      computePiece(
        parts,
        { operation, field, forms, inputs, output, from, to: Math.min(from + PIECE, count) },
        addresses,
      )
  } finally {
    addresses.forEach((address) => heap.takeBack(address))
  }
  return output
}

/** @throws CodexError `field/wrong-size` */
export function checkSameLength(a: Uint8Array, b: Uint8Array): void {
  if (a.length === b.length) return
  throw new CodexError('field/wrong-size', `expected arrays of one length, found ${a.length} and ${b.length} bytes`, {
    detail: { length: a.length, otherLength: b.length },
  })
}

interface Piece {
  readonly operation: Operation
  readonly field: FieldName
  readonly forms: Forms
  readonly inputs: readonly Uint8Array[]
  readonly output: Uint8Array
  readonly from: number
  readonly to: number
}

function computePiece(parts: KernelParts, piece: Piece, addresses: readonly number[]): void {
  const { exports, heap, lanes } = parts
  const { operation, field, forms, inputs, output, from, to } = piece
  const [numbers = 0, ...arrays] = addresses
  const [a = 0, b = 0, c = 0] = arrays
  const vectors = Math.ceil((to - from) / lanes)
  const isScalar = flag(field === 'R')
  inputs.forEach((input, i) => {
    heap.bytes.set(input.subarray(NUMBER_BYTES * from, NUMBER_BYTES * to), numbers)
    heap.bytes.fill(0, numbers + NUMBER_BYTES * (to - from), numbers + NUMBER_BYTES * lanes * vectors)
    checkNumbers(parts, field, numbers, to - from, from)
    exports.enterNumbers(isScalar, numbers, arrays[i] ?? 0, vectors, lanes, 1, flag(forms.from === 'file'))
  })
  if (operation === 'invert') exports[`invertAll${field}`](a, vectors, c)
  else if (operation !== 'convert') exports[`${operation}All${field}`](a, a, b, vectors)
  exports.leaveNumbers(isScalar, a, numbers, vectors, lanes, 1, flag(forms.to === 'file'))
  output.set(heap.bytes.subarray(numbers, numbers + NUMBER_BYTES * (to - from)), NUMBER_BYTES * from)
}
