// The rules that tie a manifest's parts together (data reference §3.3), one for reading and writing. Knows no bytes.

import { utf8 } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import type { ErrorDetail } from '../lib/errors.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { CidKind } from './cid.ts'
import { Cid } from './cid.ts'
import type { Manifest, ProtectedManifest, VerifiableManifest } from './manifest.ts'
import { blocksCount, slotsCount, stepsCount } from './manifest.ts'

/** No peer sends larger messages than 100 MiB, so no larger block could ever be had. */
export const MAX_BLOCK_SIZE_BYTES = 64 * MiB
/** K + M of a protected dataset: all symbols of the code's larger field. */
export const MAX_CODE_BLOCKS = 65_536
/** K + M of a verifiable dataset: the proof circuit has room for no more. */
export const MAX_SLOTS = 256
/** In UTF-8. */
export const MAX_FILENAME_BYTES = 4096
/** In UTF-8. */
export const MAX_MIMETYPE_BYTES = 255

/**
 * Returns the manifest when all its numbers, names and CIDs agree.
 * @throws CodexError `manifest/bad-size`, `manifest/sizes-disagree`, `manifest/wrong-cid-kind`, `manifest/bad-code`,
 * `manifest/bad-strategy`, `manifest/slot-roots-disagree`, `manifest/too-many-slots`, `manifest/bad-cell-size`, `manifest/bad-text`,
 * `manifest/bad-kind`
 */
export function checkManifest<M extends Manifest>(manifest: M): M {
  const checked: Manifest = manifest
  if (!['plain', 'protected', 'verifiable'].includes(checked?.kind))
    throw refusal(
      'bad-kind',
      typeof checked === 'object' && checked !== null
        ? `a manifest of kind 'plain', 'protected' or 'verifiable', found kind ${describeValue(checked.kind)}`
        : `a manifest, found ${describeValue(checked)}`,
    )
  expectKind(checked.treeCid, 'tree', 'treeCid')
  expectSize(checked.blockSize, 'blockSize', 1, MAX_BLOCK_SIZE_BYTES)
  expectSize(checked.datasetSize, 'datasetSize', 0, Number.MAX_SAFE_INTEGER)
  expectText(checked.filename, 'filename', MAX_FILENAME_BYTES)
  expectText(checked.mimetype, 'mimetype', MAX_MIMETYPE_BYTES)
  if (checked.kind !== 'plain') checkProtection(checked)
  if (checked.kind === 'verifiable') checkVerification(checked)
  return manifest
}

function checkProtection(manifest: ProtectedManifest | VerifiableManifest): void {
  const { ecK, ecM, blockSize, datasetSize } = manifest
  expectKind(manifest.originalTreeCid, 'tree', 'originalTreeCid')
  expectSize(manifest.originalDatasetSize, 'originalDatasetSize', 0, Number.MAX_SAFE_INTEGER)
  expectStrategy(manifest.protectedStrategy, 'protectedStrategy')
  if (
    !Number.isSafeInteger(ecK) ||
    !Number.isSafeInteger(ecM) ||
    ecK < 1 ||
    ecM < 0 ||
    slotsCount(manifest) > MAX_CODE_BLOCKS
  )
    throw refusal(
      'bad-code',
      `ecK of at least 1, ecM of at least 0, ${MAX_CODE_BLOCKS} together, found ${describeValue(ecK)} and ${describeValue(ecM)}`,
      { ecK: numberOrDescription(ecK), ecM: numberOrDescription(ecM) },
    )
  const expected = stepsCount(manifest) * slotsCount(manifest)
  const found = blocksCount(manifest)
  if (found !== expected)
    throw refusal('sizes-disagree', `${expected} blocks with parity for the original size, found ${found}`, {
      expected,
      found,
    })
  if (datasetSize % blockSize !== 0)
    throw refusal(
      'sizes-disagree',
      `a protected datasetSize of whole blocks of ${blockSize} bytes, found ${datasetSize}`,
      {
        blockSize,
        datasetSize,
      },
    )
}

function checkVerification(manifest: VerifiableManifest): void {
  const { slotRoots, cellSize, blockSize } = manifest
  expectKind(manifest.verifyRoot, 'verify root', 'verifyRoot')
  if (slotsCount(manifest) > MAX_SLOTS)
    throw refusal('too-many-slots', `at most ${MAX_SLOTS} slots, found ${slotsCount(manifest)}`, { limit: MAX_SLOTS })
  const expected = slotsCount(manifest)
  if (!Array.isArray(slotRoots) || slotRoots.length !== expected) {
    const found = Array.isArray(slotRoots) ? slotRoots.length : describeValue(slotRoots)
    throw refusal('slot-roots-disagree', `one slot root for each of ${expected} slots, found ${found}`, {
      expected,
      found,
    })
  }
  for (const [i, root] of manifest.slotRoots.entries())
    expectKind(root, 'slot root', `slotRoots[${i}]`, { slotIndex: i })
  if (!Number.isSafeInteger(cellSize) || cellSize < 1 || blockSize % cellSize !== 0)
    throw refusal(
      'bad-cell-size',
      `a cellSize that divides blocks of ${blockSize} bytes, found ${describeValue(cellSize)}`,
      {
        blockSize,
        cellSize: numberOrDescription(cellSize),
      },
    )
  expectStrategy(manifest.verifiableStrategy, 'verifiableStrategy')
}

function expectKind(cid: Cid, kind: CidKind, what: string, more: { readonly slotIndex?: number } = {}): void {
  if (Cid.is(cid) && cid.kind === kind) return
  const found = Cid.is(cid) ? `that of a ${cid.kind}` : describeValue(cid)
  throw refusal('wrong-cid-kind', `${what} to be the Cid of a ${kind}, found ${found}`, { what, ...more })
}

function expectSize(bytes: number, what: string, min: number, max: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < min || bytes > max)
    throw refusal('bad-size', `${what} from ${min} to ${max} bytes, found ${describeValue(bytes)}`, { what, min, max })
}

function expectStrategy(strategy: string, what: string): void {
  if (strategy !== 'linear' && strategy !== 'stepped')
    throw refusal('bad-strategy', `${what} to be 'linear' or 'stepped', found ${describeValue(strategy)}`, { what })
}

function expectText(text: string | undefined, what: string, maxBytes: number): void {
  if (text === undefined) return
  if (typeof text !== 'string')
    throw refusal('bad-text', `${what} to be text or left out, found ${describeValue(text)}`, { what })
  if (/\p{Surrogate}/u.test(text))
    throw refusal('bad-text', `${what} to be well-formed Unicode, found half a character in ${describeValue(text)}`, {
      what,
    })
  const bytes = text.length > maxBytes ? text.length : utf8(text).length
  if (bytes > maxBytes)
    throw refusal('bad-text', `${what} of at most ${maxBytes} bytes, found ${bytes}`, { what, maxBytes, bytes })
}

function refusal(what: string, expectation: string, detail: ErrorDetail = {}): CodexError {
  return new CodexError(`manifest/${what}`, `expected ${expectation}`, { detail })
}
