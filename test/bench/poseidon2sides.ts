// Block hashes on one core by our kernel or its twin. The same in Node and in a page.

import { toHex } from '../../src/lib/bytes.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import type { Poseidon2Variant } from '../../wasm/poseidon2/poseidon2kernel.ts'
import { poseidon2Twin } from '../../wasm/poseidon2/poseidon2twin.ts'
import type { Figure, Sample } from './harness.ts'

export const BLOCK_BYTES = 64 * KiB
export const CELL_BYTES = 2 * KiB
/** The hash of the block that all sides hash, as in test/vectors/poseidon2.json. */
export const BLOCK_HASH = '17ac41cb21575c0349b107284a31061ee074da43d7fb2492809a866a333e8121'

/** Each time is the best of this many: other work on the machine only ever adds to it. */
const ATTEMPTS = 200
const QUICK_ATTEMPTS = 20
const TWIN_ATTEMPTS = 3

/** @param atLeast of the reference's speed */
export function poseidon2Figures(atLeast?: number): readonly Figure[] {
  const figure = { key: 'mibPerSecond', unit: 'MiB/s', title: 'block hashes, one core' } as const
  return [atLeast === undefined ? figure : { ...figure, goal: { of: 'ratio', atLeast } }]
}

export function mibPerSecond(blockMs: number): number {
  return BLOCK_BYTES / MiB / (blockMs / 1000)
}

export async function measureKernel(variant: Poseidon2Variant, quick: boolean): Promise<Sample> {
  const kernel = await loadPoseidon2({ variant })
  return best(
    quick ? QUICK_ATTEMPTS : ATTEMPTS,
    (block) => kernel.hashBlocks(block, BLOCK_BYTES, CELL_BYTES).blockHashes,
  )
}

export async function measureTwin(): Promise<Sample> {
  return best(TWIN_ATTEMPTS, (block) => poseidon2Twin.hashBlocks(block, BLOCK_BYTES, CELL_BYTES).blockHashes)
}

/** The block whose hash is {@link BLOCK_HASH}. */
export function sampleBlock(): Uint8Array {
  return Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => i * 131 + Math.floor(i / 256) * 17 + 7)
}

function best(attempts: number, hash: (block: Uint8Array) => Uint8Array): Sample {
  const block = sampleBlock()
  let leastMs = Infinity
  for (let attempt = 0; attempt < attempts; attempt++) {
    const begin = performance.now()
    const found = toHex(hash(block))
    leastMs = Math.min(leastMs, performance.now() - begin)
    if (found !== BLOCK_HASH) throw new Error(`expected the hash ${BLOCK_HASH}, found ${found}`)
  }
  return { mibPerSecond: mibPerSecond(leastMs) }
}
