// Manifests of the store for work on slots: of the kind the work needs, and with every check there is. It reads no blocks.

import { CodexError } from '../lib/errors.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest, PlainManifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import type { Datasets } from '../storage/datasets.ts'
import { layoutOf } from '../erasure/codelayout.ts'
import { checkMerkleRoot, checkVerifiable } from './checkverifiable.ts'
import type { CheckedVerifiable } from './checkverifiable.ts'
import { readElement } from './fieldelements.ts'
import { slotGeometry } from './slotgeometry.ts'
import type { BuiltDataset, RequestOption, SlotsJob, SlotsParts } from './slotsparts.ts'

type CodedManifest = ProtectedManifest | VerifiableManifest

/** @throws CodexError `slots/already-protected`, `erasure/wrong-block-size`, and as `Datasets.manifest` */
export async function loadPlain(datasets: Datasets, cid: Cid): Promise<PlainManifest> {
  const manifest = await datasets.manifest(cid)
  if (manifest.kind !== 'plain')
    throw wrongKind(
      cid,
      manifest,
      'already-protected',
      'a plain dataset: this one is protected, build or verify its slots',
    )
  checkBlockSize(manifest)
  return manifest
}

/** @throws CodexError `slots/not-protected`, `slots/unsupported-strategy`, `erasure/*`, and as `Datasets.manifest` */
export async function loadProtected(datasets: Datasets, cid: Cid): Promise<CodedManifest> {
  const manifest = await datasets.manifest(cid)
  if (manifest.kind === 'plain')
    throw wrongKind(cid, manifest, 'not-protected', 'a dataset with parity: protect this one first')
  return checkedCoded(manifest)
}

/**
 * With `merkleRoot` it must be the manifest of that request.
 * @throws CodexError `slots/not-verifiable`, and as `checkVerifiable` and `Datasets.manifest`
 */
export async function loadVerifiable(
  { datasets, poseidon2 }: SlotsParts,
  cid: Cid,
  { signal, rank, merkleRoot }: Pick<SlotsJob, 'signal' | 'rank'> & RequestOption,
): Promise<CheckedVerifiable> {
  if (merkleRoot !== undefined) checkMerkleRoot(merkleRoot)
  const manifest = await datasets.manifest(cid)
  if (manifest.kind !== 'verifiable')
    throw wrongKind(cid, manifest, 'not-verifiable', 'a dataset with slot roots: protect or build this one first')
  return checkVerifiable(poseidon2, manifest, { signal, rank, merkleRoot })
}

/** The numbers callers want, out of a manifest that was checked. */
export function builtDataset(verifiableCid: Cid, manifest: VerifiableManifest): BuiltDataset {
  return {
    verifiableCid,
    manifest,
    datasetRoot: readElement(manifest.verifyRoot.digest),
    slotRoots: manifest.slotRoots.map(({ digest }) => readElement(digest)),
  }
}

function checkedCoded<M extends CodedManifest>(manifest: M): M {
  checkBlockSize(manifest)
  layoutOf(manifest)
  slotGeometry(manifest)
  if (manifest.protectedStrategy === 'stepped') return manifest
  throw new CodexError(
    'slots/unsupported-strategy',
    `expected the protectedStrategy stepped, as this network has it, found ${manifest.protectedStrategy}`,
    { detail: { what: 'protectedStrategy' } },
  )
}

function checkBlockSize({ blockSize }: Manifest): void {
  if (blockSize === BLOCK_SIZE) return
  throw new CodexError('erasure/wrong-block-size', `expected blocks of ${BLOCK_SIZE} bytes, found ${blockSize}`, {
    detail: { expectedBytes: BLOCK_SIZE, foundBytes: blockSize },
  })
}

function wrongKind(cid: Cid, { kind }: Manifest, code: string, expected: string): CodexError {
  return new CodexError(`slots/${code}`, `expected ${expected}`, { detail: { cid: String(cid), kind } })
}
