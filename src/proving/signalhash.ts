// The number by which a witness module knows a signal's name: 64 bits of FNV-1a, in two halves. No cryptography.

import { utf8 } from '../lib/bytes.ts'

const OFFSET = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n

/** Both halves as signed 32-bit numbers, as WebAssembly takes them. */
export function signalHash(name: string): { readonly high: number; readonly low: number } {
  let hash = OFFSET
  for (const byte of utf8(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME)
  return { high: Number(BigInt.asIntN(32, hash >> 32n)), low: Number(BigInt.asIntN(32, hash)) }
}
