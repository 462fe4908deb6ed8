// Takes in a verifiable manifest from anywhere: every check there is without looking at a block (data reference §3.3, §7.5).

import { equalBytes, fromHex } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { ErrorDetail } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { layoutOf } from '../erasure/codelayout.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import { checkManifest } from '../protocol/checkmanifest.ts'
import type { Manifest, VerifiableManifest } from '../protocol/manifest.ts'
import { packElements, readElement } from './fieldelements.ts'
import { treeRoot } from './flattree.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'
import { CELL_SIZE, slotGeometry } from './slotgeometry.ts'
import type { SlotGeometry } from './slotgeometry.ts'

/** A manifest that holds, and what follows from it. */
export interface CheckedVerifiable {
  readonly manifest: VerifiableManifest
  readonly geometry: SlotGeometry
  readonly slotRoots: readonly bigint[]
  readonly datasetRoot: bigint
  /** All nodes of the tree over the slot roots, the dataset root last. */
  readonly verificationNodes: Uint8Array
}

export interface CheckVerifiableOptions extends Poseidon2Options {
  /** `content.merkleRoot` of the request this manifest is for: 32 bytes as 0x-hex, the dataset root little-endian. */
  readonly merkleRoot?: string | undefined
  /** The circuit's. Default: {@link CELL_SIZE} */
  readonly cellSize?: Bytes | undefined
}

/**
 * A manifest that was decoded has valid CIDs: codecs, hash codes, roots below the field's order. Everything else is looked at here.
 *
 * @throws CodexError `slots/not-verifiable`, `manifest/*` (numbers, CIDs and roots that do not go together), `slots/unsupported-layout`,
 *   `erasure/wrong-block-size`, `erasure/bad-code`, `erasure/too-small`, `slots/unsupported-strategy`, `slots/wrong-cell-size`,
 *   `slots/slot-too-large`, `slots/wrong-verify-root`, `slots/bad-merkle-root`, `slots/wrong-merkle-root`, those of `poseidon2`. The detail
 *   names the field (`what`) or the slot (`slotIndex`)
 */
export async function checkVerifiable(
  poseidon2: Pick<Poseidon2, 'merkleNodes'>,
  given: Manifest,
  { merkleRoot, cellSize = CELL_SIZE, ...options }: CheckVerifiableOptions,
): Promise<CheckedVerifiable> {
  if (merkleRoot !== undefined) checkMerkleRoot(merkleRoot)
  const manifest = checkFields(given, cellSize)
  const geometry = slotGeometry(manifest)
  const slotRoots = manifest.slotRoots.map(({ digest }) => readElement(digest))
  const verificationNodes = await poseidon2.merkleNodes(packElements(slotRoots), options)
  const root = treeRoot(verificationNodes)
  const datasetRoot = readElement(root)
  if (!equalBytes(root, manifest.verifyRoot.digest))
    throw refusal(
      'wrong-verify-root',
      `a verifyRoot that is the root over its slotRoots (${datasetRoot}), found ${readElement(manifest.verifyRoot.digest)}: the manifest is not genuine`,
      { what: 'verifyRoot' },
    )
  if (merkleRoot !== undefined && !equalBytes(root, fromHex(merkleRoot)))
    throw refusal(
      'wrong-merkle-root',
      `the manifest of a request whose merkleRoot is ${merkleRoot.toLowerCase()}, found the dataset root ${datasetRoot}: no proof could pass`,
      { what: 'merkleRoot', merkleRoot: merkleRoot.toLowerCase() },
    )
  return { manifest, geometry, slotRoots, datasetRoot, verificationNodes }
}

function checkFields(given: Manifest, cellSize: Bytes): VerifiableManifest {
  const manifest = checkManifest(given)
  if (manifest.kind !== 'verifiable')
    throw refusal('not-verifiable', `a manifest with slot roots, found a ${manifest.kind} one`, { kind: manifest.kind })
  if (manifest.layout !== 'marketplace')
    throw refusal(
      'unsupported-layout',
      `a manifest in the marketplace's layout, found ${describeValue(manifest.layout)}`,
      {
        what: 'layout',
      },
    )
  if (manifest.blockSize !== BLOCK_SIZE)
    throw new CodexError(
      'erasure/wrong-block-size',
      `expected blocks of ${BLOCK_SIZE} bytes, found ${manifest.blockSize}`,
      {
        detail: { what: 'blockSize', expectedBytes: BLOCK_SIZE, foundBytes: manifest.blockSize },
      },
    )
  layoutOf(manifest)
  expectStrategy(manifest, 'protectedStrategy', 'stepped')
  expectStrategy(manifest, 'verifiableStrategy', 'linear')
  if (manifest.cellSize !== cellSize)
    throw refusal(
      'wrong-cell-size',
      `cells of ${cellSize} bytes, as the circuit has them, found ${manifest.cellSize}`,
      {
        what: 'cellSize',
        expectedBytes: numberOrDescription(cellSize),
        foundBytes: manifest.cellSize,
      },
    )
  return manifest
}

function expectStrategy(
  manifest: VerifiableManifest,
  what: 'protectedStrategy' | 'verifiableStrategy',
  expected: string,
): void {
  if (manifest[what] !== expected)
    throw refusal('unsupported-strategy', `the ${what} ${expected}, as this network has it, found ${manifest[what]}`, {
      what,
    })
}

/** @throws CodexError `slots/bad-merkle-root` */
export function checkMerkleRoot(merkleRoot: string): void {
  if (typeof merkleRoot !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(merkleRoot))
    throw refusal('bad-merkle-root', `a merkleRoot of 32 bytes as 0x-hex, found ${describeValue(merkleRoot)}`, {
      what: 'merkleRoot',
    })
}

function refusal(what: string, expectation: string, detail: ErrorDetail): CodexError {
  return new CodexError(`slots/${what}`, `expected ${expectation}`, { detail })
}
