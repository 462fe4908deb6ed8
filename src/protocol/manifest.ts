// Manifests: what a dataset is made of, as plain data, with the numbers that follow from it and the rules they obey. The bytes
// are in manifestcodec.ts; that a verify root is the tree root of its slot roots needs Poseidon2 and is checked by the slots room.

import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { Cid } from './cid.ts'
import type { Strategy } from './indexing.ts'

/** `marketplace` is what storage requests need and {@link encodeManifest} writes; `newer` is read only, and has no erasure part. */
export type ManifestLayout = 'marketplace' | 'newer'

interface ManifestCommon {
  /** Which layout the bytes had that this was read from. */
  readonly layout: ManifestLayout
  /** Root of the byte tree over all blocks; of the protected blocks, parity included, when there are any. */
  readonly treeCid: Cid
  readonly blockSize: Bytes
  /** Bytes of the content, last block not padded; of a protected dataset, whole blocks with parity. */
  readonly datasetSize: Bytes
  /** Left out when unknown, never empty. As the uploader wrote it: no safe path. */
  readonly filename?: string
  /** Left out when unknown, never empty. */
  readonly mimetype?: string
}

interface Protection {
  /** Data blocks in a code word, and so slots of original data. */
  readonly ecK: number
  /** Parity blocks in a code word, and so slots of parity, and slots that may be lost. */
  readonly ecM: number
  readonly originalTreeCid: Cid
  readonly originalDatasetSize: Bytes
  /** How blocks are dealt to code words; `stepped` in practice. */
  readonly protectedStrategy: Strategy
}

interface Verification {
  /** Poseidon2 root over the slot roots: what proofs are checked against on chain. */
  readonly verifyRoot: Cid
  /** In slot order, one for each slot. */
  readonly slotRoots: readonly Cid[]
  readonly cellSize: Bytes
  /** How blocks are dealt to slots; `linear` in practice. */
  readonly verifiableStrategy: Strategy
}

/** Of data as it was uploaded. */
export type PlainManifest = ManifestCommon & { readonly kind: 'plain' }
/** Of data with parity. */
export type ProtectedManifest = ManifestCommon & Protection & { readonly kind: 'protected' }
/** Of data with parity, cut into slots that can be proven: what a storage request names. */
export type VerifiableManifest = ManifestCommon & Protection & Verification & { readonly kind: 'verifiable' }

/** Data reference §3. A plain dataset, the same with parity, or the same with slots that can be proven. */
export type Manifest = PlainManifest | ProtectedManifest | VerifiableManifest

/** Blocks of the dataset, parity included. @throws CodexError `manifest/bad-number`, as all that follow */
export function blocksCount(manifest: Pick<Manifest, 'datasetSize' | 'blockSize'>): number {
  return divideUp(numberOf(manifest, 'datasetSize'), numberOf(manifest, 'blockSize', 1))
}

/** Blocks of the original data; of a plain dataset, all. */
export function originalBlocksCount(manifest: Manifest): number {
  return divideUp(contentBytes(manifest), numberOf(manifest, 'blockSize', 1))
}

/** Bytes of the content a reader gets. */
export function contentBytes(manifest: Manifest): Bytes {
  return numberOf(manifest, manifest?.kind === 'plain' ? 'datasetSize' : 'originalDatasetSize')
}

/** Original blocks, filled up to whole code words with empty blocks. */
export function roundedBlocksCount(manifest: ProtectedManifest | VerifiableManifest): number {
  return stepsCount(manifest) * numberOf(manifest, 'ecK', 1)
}

/** Code words, and so blocks in each slot before it is padded for proofs. */
export function stepsCount(manifest: ProtectedManifest | VerifiableManifest): number {
  return divideUp(originalBlocksCount(manifest), numberOf(manifest, 'ecK', 1))
}

/** Slots the dataset is cut into: `ecK` of data, then `ecM` of parity. */
export function slotsCount(manifest: ProtectedManifest | VerifiableManifest): number {
  return numberOf(manifest, 'ecK', 1) + numberOf(manifest, 'ecM')
}

/** Blocks in each slot before it is padded for proofs. */
export function slotBlocksCount(manifest: ProtectedManifest | VerifiableManifest): number {
  return divideUp(blocksCount(manifest), slotsCount(manifest))
}

/** The door for manifests that nobody has checked: nothing is computed from what is no number, or none of this kind. */
function numberOf(
  manifest: object,
  name: 'datasetSize' | 'blockSize' | 'originalDatasetSize' | 'ecK' | 'ecM',
  min = 0,
): number {
  const { [name]: value } = (manifest ?? {}) as Partial<ProtectedManifest>
  if (value !== undefined && Number.isSafeInteger(value) && value >= min) return value
  throw new CodexError(
    'manifest/bad-number',
    `expected a manifest whose ${name} is a whole number from ${min}, found ${describeValue(value)}`,
    { detail: { what: name, min, found: numberOrDescription(value) } },
  )
}

/** Exact for all safe integers, where a division of floats need not be. */
function divideUp(dividend: number, divisor: number): number {
  const rest = dividend % divisor
  return (dividend - rest) / divisor + (rest > 0 ? 1 : 0)
}
