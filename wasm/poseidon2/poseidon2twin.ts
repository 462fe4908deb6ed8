// Poseidon2 in plain TypeScript: the slow twin that the kernel is held to. Written from the data reference, not from the kernel,
// and never used where speed matters.

import { FIELD_ORDER, readElement, writeElement, ELEMENT_BYTES } from './fieldelement.ts'
import constants from './poseidon2constants.json' with { type: 'json' }
import type { BlockHashes, Poseidon2State } from './poseidon2kernel.ts'

const EXTERNAL = constants.external.map((row) => row.map(BigInt))
const INTERNAL = constants.internal.map(BigInt)
const CHUNK_BYTES = 31
const IV = 2n ** 64n + 256n * 3n + 2n

/** §2.4. */
function permute(state: Poseidon2State): Poseidon2State {
  const half = EXTERNAL.length / 2
  const before = EXTERNAL.slice(0, half).reduce(externalRound, externalLayer(state))
  return EXTERNAL.slice(half).reduce(externalRound, INTERNAL.reduce(internalRound, before))
}

function externalLayer([x, y, z]: Poseidon2State): Poseidon2State {
  const sum = x + y + z
  return [(x + sum) % FIELD_ORDER, (y + sum) % FIELD_ORDER, (z + sum) % FIELD_ORDER]
}

function externalRound([x, y, z]: Poseidon2State, [a = 0n, b = 0n, c = 0n]: readonly bigint[]): Poseidon2State {
  return externalLayer([box(x + a), box(y + b), box(z + c)])
}

function internalRound([before, y, z]: Poseidon2State, constant: bigint): Poseidon2State {
  const x = box(before + constant)
  const sum = x + y + z
  return [(x + sum) % FIELD_ORDER, (y + sum) % FIELD_ORDER, (2n * z + sum) % FIELD_ORDER]
}

function box(x: bigint): bigint {
  const square = (x * x) % FIELD_ORDER
  return (((square * square) % FIELD_ORDER) * x) % FIELD_ORDER
}

/** §2.5. */
function compress(x: bigint, y: bigint, key: bigint): bigint {
  return permute([x, y, key])[0]
}

/** §2.7. */
function sponge(elements: readonly bigint[]): bigint {
  const padded = [...elements, 1n]
  if (padded.length % 2 === 1) padded.push(0n)
  let state: Poseidon2State = [0n, 0n, IV]
  for (let i = 0; i < padded.length; i += 2) {
    const [x, y, z] = state
    state = permute([(x + (padded[i] ?? 0n)) % FIELD_ORDER, (y + (padded[i + 1] ?? 0n)) % FIELD_ORDER, z])
  }
  return state[0]
}

/** §2.6, §2.7. */
function hashBytes(bytes: Uint8Array): bigint {
  const elements: bigint[] = []
  for (let from = 0; from <= bytes.length; from += CHUNK_BYTES) {
    const chunk = [...bytes.subarray(from, from + CHUNK_BYTES)]
    if (chunk.length < CHUNK_BYTES) chunk.push(1)
    elements.push(chunk.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n))
  }
  return sponge(elements)
}

/** §2.1. */
function merkleRoot(leaves: Uint8Array): Uint8Array {
  let layer = Array.from({ length: leaves.length / ELEMENT_BYTES }, (_, i) => readElement(leaves, ELEMENT_BYTES * i))
  for (let bottom = 1n; bottom === 1n || layer.length > 1; bottom = 0n)
    layer = layer.flatMap((left, i) => {
      if (i % 2 === 1) return []
      const right = layer[i + 1]
      return right === undefined ? compress(left, 0n, bottom + 2n) : compress(left, right, bottom)
    })
  return toBytes(layer)
}

/** §7.2. */
function hashBlocks(bytes: Uint8Array, blockSize: number, cellSize: number): BlockHashes {
  const blocks = Array.from({ length: bytes.length / blockSize }, (_, i) => {
    const block = bytes.subarray(i * blockSize, (i + 1) * blockSize)
    const cells = Math.ceil(blockSize / cellSize)
    return Array.from({ length: cells }, (__, j) => hashBytes(block.subarray(j * cellSize, (j + 1) * cellSize)))
  })
  return {
    cellHashes: toBytes(blocks.flat()),
    blockHashes: toBytes(blocks.map((cells) => readElement(merkleRoot(toBytes(cells))))),
  }
}

function toBytes(elements: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(ELEMENT_BYTES * elements.length)
  elements.forEach((element, i) => writeElement(element, bytes, ELEMENT_BYTES * i))
  return bytes
}

/** The same calls as the kernel's, for bytes and elements that are known to be good: it checks only what it decodes. */
export const poseidon2Twin = { permute, compress, sponge, hashBytes, hashBlocks, merkleRoot }
