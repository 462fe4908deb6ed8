// Numbers below the scalar order as kernels and files take them: 32 little-endian bytes each, one after the other.

import { ELEMENT_BYTES, viewOf, writeNumber } from './bn254.ts'

export function packScalars(scalars: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(ELEMENT_BYTES * scalars.length)
  const view = viewOf(bytes)
  scalars.forEach((scalar, i) => writeNumber(view, ELEMENT_BYTES * i, scalar))
  return bytes
}
