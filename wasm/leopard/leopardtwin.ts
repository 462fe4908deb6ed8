// The slow twin of the Leopard kernel: encoding and decoding as data reference §5.5 and §5.6 put it, symbol by symbol, over
// whole blocks at once. What tests hold the kernel against; nothing else runs it.

import { assert } from '../../src/lib/errors.ts'
import type { LeopardKernel } from './leopardkernel.ts'
import { blockBytesOf, leopardShape, type LeopardShape } from './leopardshape.ts'
import { leopardTables, type LeopardTables } from './leopardtables.ts'

/** The same contract as the kernel's, errors for bad counts and sizes included; a pattern beyond repair is an assertion. */
export const leopardTwin: Pick<LeopardKernel, 'encode' | 'decode'> = { encode, decode }

/** One number per symbol of a block. */
type Symbols = Uint16Array

function encode(data: readonly Uint8Array[], parityCount: number): Uint8Array[] {
  const shape = leopardShape(data.length, parityCount)
  blockBytesOf(data)
  if (parityCount === 0) return []
  if (shape.method === 'copy') return data.map((block) => block.slice())
  if (shape.method === 'xor') return [data.reduce(xorBytes)]
  const tables = leopardTables(shape.method)
  const rows = data.map((block) => toSymbols(block, tables))
  const { parityPositions } = shape
  const sum = zeros(rows, parityPositions)
  for (let group = 0; group < data.length; group += parityPositions) {
    const work = zeros(rows, parityPositions)
    work.forEach((row, i) => row.set(rows[group + i] ?? []))
    inverseTransform(work, parityPositions + group, tables)
    sum.forEach((row, i) => addInto(row, work[i]))
  }
  transform(sum, 0, tables)
  return sum.slice(0, parityCount).map((row) => toBytes(row, tables))
}

function decode(data: readonly (Uint8Array | undefined)[], parity: readonly (Uint8Array | undefined)[]): Uint8Array[] {
  const shape = leopardShape(data.length, parity.length)
  const received = [...data, ...parity].filter((block) => block !== undefined)
  blockBytesOf(received)
  assert(received.length >= data.length, 'as many rows are here as there are data rows')
  if (shape.method === 'copy') return received.slice(0, 1)
  if (shape.method === 'xor') return data.map((block) => block ?? received.reduce(xorBytes))
  const tables = leopardTables(shape.method)
  const recovered = decodeSymbols(shape, tables, data, parity)
  return data.map((block, i) => block ?? toBytes(recovered(i), tables))
}

/** Returns what gives data row i, for the missing ones. */
function decodeSymbols(
  shape: LeopardShape,
  tables: LeopardTables,
  data: readonly (Uint8Array | undefined)[],
  parity: readonly (Uint8Array | undefined)[],
): (i: number) => Symbols {
  const { parityPositions, positions } = shape
  const blocks = Array.from({ length: positions }, (_, p) =>
    p < parityPositions ? parity[p] : data[p - parityPositions],
  )
  const isMissing = blocks.map((block, p) => block === undefined && p < parityPositions + data.length)
  const errors = errorLocator(isMissing, tables)
  const rows = blocks.map((block) => (block === undefined ? undefined : toSymbols(block, tables)))
  const work = zeros(rows, positions)
  const error = (p: number): number => errors[p] as number
  work.forEach((row, p) => rows[p]?.forEach((symbol, s) => (row[s] = multiply(symbol, error(p), tables))))
  inverseTransform(work, 0, tables)
  for (let i = 1; i < positions; i++) {
    const width = i & -i
    for (let j = 0; j < width; j++) addInto(work[i - width + j], work[i + j])
  }
  transform(work, 0, tables)
  return (i) => {
    const p = parityPositions + i
    return (work[p] ?? new Uint16Array()).map((symbol) => multiply(symbol, tables.modulus - error(p), tables))
  }
}

/** Logarithms of the error locator at every position, through Walsh transforms over the whole field. */
function errorLocator(isMissing: readonly boolean[], tables: LeopardTables): Float64Array {
  const walsh = Float64Array.from(tables.log, (logarithm, element) => (element === 0 ? 0 : logarithm))
  const errors = new Float64Array(walsh.length).map((_, p) => (isMissing[p] === true ? 1 : 0))
  walshTransform(walsh, tables.modulus)
  walshTransform(errors, tables.modulus)
  errors.forEach((value, p) => (errors[p] = (value * (walsh[p] as number)) % tables.modulus))
  walshTransform(errors, tables.modulus)
  return errors
}

function walshTransform(values: Float64Array, modulus: number): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let start = 0; start < values.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const a = values[i] as number
        const b = values[i + half] as number
        values[i] = (a + b) % modulus
        values[i + half] = (a - b + modulus) % modulus
      }
}

function inverseTransform(work: readonly Symbols[], base: number, tables: LeopardTables): void {
  for (let half = 1; half < work.length; half *= 2)
    for (let start = 0; start < work.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        addInto(work[i + half], work[i])
        addProductInto(work[i], work[i + half], tables.skew[base + start + half - 1], tables)
      }
}

function transform(work: readonly Symbols[], base: number, tables: LeopardTables): void {
  for (let half = work.length / 2; half >= 1; half /= 2)
    for (let start = 0; start < work.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        addProductInto(work[i], work[i + half], tables.skew[base + start + half - 1], tables)
        addInto(work[i + half], work[i])
      }
}

function addInto(to: Symbols | undefined, from: Symbols | undefined): void {
  assert(to !== undefined && from !== undefined, 'both rows are in the code')
  for (let s = 0; s < to.length; s++) to[s] = (to[s] as number) ^ (from[s] as number)
}

/** A factor whose logarithm is the modulus is zero. */
function addProductInto(
  to: Symbols | undefined,
  from: Symbols | undefined,
  factor: number | undefined,
  tables: LeopardTables,
): void {
  assert(factor !== undefined, 'every butterfly has its factor')
  if (factor !== tables.modulus)
    addInto(
      to,
      from?.map((symbol) => multiply(symbol, factor, tables)),
    )
}

function multiply(symbol: number, logarithm: number, { log, exp, modulus }: LeopardTables): number {
  return symbol === 0 ? 0 : (exp[((log[symbol] as number) + logarithm) % modulus] as number)
}

function zeros(like: readonly (Symbols | undefined)[], count: number): Symbols[] {
  const length = like.find((row) => row !== undefined)?.length ?? 0
  return Array.from({ length: count }, () => new Uint16Array(length))
}

/** In 16 bits, every 64 bytes hold the low bytes of 32 symbols and then their high bytes. */
function toSymbols(block: Uint8Array, { bits }: LeopardTables): Symbols {
  if (bits === 8) return Uint16Array.from(block)
  return Uint16Array.from({ length: block.length / 2 }, (_, s) => {
    const low = 64 * Math.floor(s / 32) + (s % 32)
    return (block[low] as number) | ((block[low + 32] as number) << 8)
  })
}

function toBytes(symbols: Symbols, { bits }: LeopardTables): Uint8Array {
  if (bits === 8) return Uint8Array.from(symbols)
  const block = new Uint8Array(2 * symbols.length)
  symbols.forEach((symbol, s) => {
    const low = 64 * Math.floor(s / 32) + (s % 32)
    block[low] = symbol & 0xff
    block[low + 32] = symbol >> 8
  })
  return block
}

function xorBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number))
}
