// What the sources under assembly export, as TypeScript sees it: offsets, sizes and counts are whole numbers below 2^31.

export interface KernelExports {
  readonly memory: WebAssembly.Memory
  add(to: number, from: number, bytes: number): void
  sum(to: number, rows: number, stride: number, width: number, count: number): void
  derive(rows: number, stride: number, width: number, size: number): void
  parityPair8(to: number, rows: number, count: number, stride: number, width: number, tables: number): void
  readonly tables8: WriteTables
  readonly tables16: WriteTables
  readonly scale8: Scale
  readonly scale16: Scale
  readonly ifft8: Transform
  readonly ifft16: Transform
  readonly fft8: Transform
  readonly fft16: Transform
  readonly combine8: Combine
  readonly combine16: Combine
}

type WriteTables = (to: number, logs: number, count: number, exp: number, basis: number) => void
type Scale = (row: number, width: number, table: number) => void
type Transform = (
  rows: number,
  stride: number,
  width: number,
  size: number,
  logs: number,
  tables: number,
  marks: number,
) => void
type Combine = (
  to: number,
  outputs: number,
  rows: number,
  inputs: number,
  stride: number,
  width: number,
  tables: number,
) => void

/** The functions for one field. */
export interface FieldKernel {
  /** Of the table of one constant. */
  readonly tableBytes: number
  readonly writeTables: WriteTables
  readonly scale: Scale
  readonly ifft: Transform
  readonly fft: Transform
  readonly combine: Combine
}

export function fieldKernel(kernel: KernelExports, bits: 8 | 16): FieldKernel {
  if (bits === 8) {
    const { tables8, scale8, ifft8, fft8, combine8 } = kernel
    return { tableBytes: 32, writeTables: tables8, scale: scale8, ifft: ifft8, fft: fft8, combine: combine8 }
  }
  const { tables16, scale16, ifft16, fft16, combine16 } = kernel
  return { tableBytes: 128, writeTables: tables16, scale: scale16, ifft: ifft16, fft: fft16, combine: combine16 }
}
