// The protobuf of manifests: the marketplace layout both ways, the newer one for reading (data reference §3.1). What the parts
// must satisfy together is in checkmanifest.ts.

import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { checkManifest } from './checkmanifest.ts'
import type { Cid } from './cid.ts'
import { decodeCid } from './cid.ts'
import type { Strategy } from './indexing.ts'
import type { Manifest, ManifestLayout, PlainManifest, ProtectedManifest, VerifiableManifest } from './manifest.ts'
import { CODEX_BLOCK, SHA2_256 } from './multicodec.ts'
import type { Shape } from './wire.ts'
import { boundedInput, fieldType, WireMessage, WireWriter } from './wire.ts'

/** 256 slot roots and the longest names take under 16 KiB; the rest is room for fields we do not know. */
export const MAX_MANIFEST_BYTES = 65_536

/** CIDs are written with the ordinal of their version: 0 is invalid, 1 is version 0, 2 is version 1. */
const CID_VERSION_1_ORDINAL = 2
const STRATEGIES: readonly Strategy[] = ['linear', 'stepped']

const HEADER = 1
const MARKETPLACE = {
  treeCid: 1,
  blockSize: 2,
  datasetSize: 3,
  codec: 4,
  hashCode: 5,
  cidVersion: 6,
  erasure: 7,
  filename: 8,
  mimetype: 9,
}
const NEWER = {
  version: 1,
  treeCid: 2,
  blockSize: 3,
  datasetSize: 4,
  codec: 5,
  hashCode: 6,
  cidVersion: 7,
  filename: 8,
  mimetype: 9,
}
const ERASURE = { ecK: 1, ecM: 2, originalTreeCid: 3, originalDatasetSize: 4, strategy: 5, verification: 6 }
const VERIFICATION = { verifyRoot: 1, slotRoots: 2, cellSize: 3, strategy: 4 }

const MARKETPLACE_SHAPE: Shape = {
  1: 'bytes',
  2: 'number',
  3: 'number',
  4: 'number',
  5: 'number',
  6: 'number',
  7: 'bytes',
  8: 'bytes',
  9: 'bytes',
}
const NEWER_SHAPE: Shape = {
  1: 'number',
  2: 'bytes',
  3: 'number',
  4: 'number',
  5: 'number',
  6: 'number',
  7: 'number',
  8: 'bytes',
  9: 'bytes',
}
const ERASURE_SHAPE: Shape = { 1: 'number', 2: 'number', 3: 'bytes', 4: 'number', 5: 'number', 6: 'bytes' }
const VERIFICATION_SHAPE: Shape = { 1: 'bytes', 2: 'repeated bytes', 3: 'number', 4: 'number' }

const NEWER_VERSION = 0

/** Of manifests that were read: what {@link manifestBytes} answers. A copy of one that says something else is not among them. */
const READ_FROM = new WeakMap<Manifest, Uint8Array>()

/**
 * The bytes that a manifest's CID names: those it was read from, which may have another layout, fields that we do not know, or names in
 * another encoding than {@link encodeManifest} writes; of a manifest that was made here, what that writes.
 * @throws CodexError as {@link encodeManifest}
 */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return READ_FROM.get(manifest) ?? encodeManifest(manifest)
}

/**
 * The bytes of a manifest in the marketplace layout, whatever layout it was read from. The same manifest always gives the same
 * bytes, so hash them with `manifestCid`.
 * @throws CodexError as {@link checkManifest}
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { treeCid, blockSize, datasetSize, filename, mimetype } = checkManifest(manifest)
  const header = new WireWriter()
    .bytes(MARKETPLACE.treeCid, treeCid.bytes)
    .number(MARKETPLACE.blockSize, blockSize)
    .number(MARKETPLACE.datasetSize, datasetSize)
    .number(MARKETPLACE.codec, CODEX_BLOCK)
    .number(MARKETPLACE.hashCode, SHA2_256)
    .number(MARKETPLACE.cidVersion, CID_VERSION_1_ORDINAL)
  if (manifest.kind !== 'plain') header.bytes(MARKETPLACE.erasure, encodeErasure(manifest))
  if (filename) header.bytes(MARKETPLACE.filename, utf8(filename))
  if (mimetype) header.bytes(MARKETPLACE.mimetype, utf8(mimetype))
  return new WireWriter().bytes(HEADER, header.finish()).finish()
}

function encodeErasure(manifest: ProtectedManifest | VerifiableManifest): Uint8Array {
  const writer = new WireWriter()
    .number(ERASURE.ecK, manifest.ecK)
    .number(ERASURE.ecM, manifest.ecM)
    .bytes(ERASURE.originalTreeCid, manifest.originalTreeCid.bytes)
    .number(ERASURE.originalDatasetSize, manifest.originalDatasetSize)
    .number(ERASURE.strategy, STRATEGIES.indexOf(manifest.protectedStrategy))
  if (manifest.kind === 'verifiable') writer.bytes(ERASURE.verification, encodeVerification(manifest))
  return writer.finish()
}

function encodeVerification(manifest: VerifiableManifest): Uint8Array {
  const writer = new WireWriter().bytes(VERIFICATION.verifyRoot, manifest.verifyRoot.bytes)
  for (const root of manifest.slotRoots) writer.bytes(VERIFICATION.slotRoots, root.bytes)
  return writer
    .number(VERIFICATION.cellSize, manifest.cellSize)
    .number(VERIFICATION.strategy, STRATEGIES.indexOf(manifest.verifiableStrategy))
    .finish()
}

/**
 * Reads a manifest of either layout and checks that all it says agrees. Fields it does not know are skipped, and names that are not UTF-8 are
 * read byte by byte, so the bytes ({@link manifestBytes}), not the result, are what the manifest's CID names. Not checked here: that the verify root is the Poseidon2 tree root of the slot roots,
 * and that slots have the one block size the proof circuit accepts; the slots room does both.
 * @throws CodexError `manifest/not-bytes`, `manifest/too-long`, `manifest/no-header`, `manifest/bad-cid`, `manifest/unknown-codec`, `manifest/unknown-hash`,
 * `manifest/unknown-version`, and `manifest/…` of {@link WireMessage} and {@link checkManifest}
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const input = boundedInput(bytes, MAX_MANIFEST_BYTES, 'manifest')
  const header = new WireMessage(input, { [HEADER]: 'bytes' }, 'manifest').bytes(HEADER)
  if (header === undefined)
    throw new CodexError('manifest/no-header', 'expected a header in field 1, found none: these bytes are no manifest')
  const isNewer = fieldType(header, 1, 'manifest') === 'number'
  const manifest = checkManifest(isNewer ? decodeNewer(header) : decodeMarketplace(header))
  READ_FROM.set(manifest, input.slice())
  return manifest
}

function decodeNewer(bytes: Uint8Array): PlainManifest {
  const header = new WireMessage(bytes, NEWER_SHAPE, 'manifest')
  expectNumber(header.number(NEWER.version), NEWER_VERSION, 'manifest/unknown-version', 'manifest version')
  return { kind: 'plain', ...decodeCommon(header, NEWER, 'newer') }
}

function decodeMarketplace(bytes: Uint8Array): Manifest {
  const header = new WireMessage(bytes, MARKETPLACE_SHAPE, 'manifest')
  const common = decodeCommon(header, MARKETPLACE, 'marketplace')
  const erasureBytes = header.bytes(MARKETPLACE.erasure)
  if (!erasureBytes?.length) return { kind: 'plain', ...common }
  const erasure = new WireMessage(erasureBytes, ERASURE_SHAPE, 'manifest')
  const protection = {
    ecK: erasure.number(ERASURE.ecK),
    ecM: erasure.number(ERASURE.ecM),
    originalTreeCid: cidOf(erasure.bytes(ERASURE.originalTreeCid), 'originalTreeCid'),
    originalDatasetSize: erasure.number(ERASURE.originalDatasetSize),
    protectedStrategy: strategyOf(erasure.number(ERASURE.strategy), 'protected strategy'),
  }
  const verificationBytes = erasure.bytes(ERASURE.verification)
  if (!verificationBytes?.length) return { kind: 'protected', ...common, ...protection }
  const verification = new WireMessage(verificationBytes, VERIFICATION_SHAPE, 'manifest')
  return {
    kind: 'verifiable',
    ...common,
    ...protection,
    verifyRoot: cidOf(verification.bytes(VERIFICATION.verifyRoot), 'verifyRoot'),
    slotRoots: verification
      .list(VERIFICATION.slotRoots)
      .map((root, i) => cidOf(root, `slotRoots[${i}]`, { slotIndex: i })),
    cellSize: verification.number(VERIFICATION.cellSize),
    verifiableStrategy: strategyOf(verification.number(VERIFICATION.strategy), 'verifiable strategy'),
  }
}

function decodeCommon(header: WireMessage, field: typeof MARKETPLACE | typeof NEWER, layout: ManifestLayout) {
  expectNumber(header.number(field.codec), CODEX_BLOCK, 'manifest/unknown-codec', 'block codec')
  expectNumber(header.number(field.hashCode), SHA2_256, 'manifest/unknown-hash', 'block hash')
  expectNumber(
    header.number(field.cidVersion),
    CID_VERSION_1_ORDINAL,
    'manifest/unknown-version',
    'CID version ordinal',
  )
  const filename = textOf(header.bytes(field.filename))
  const mimetype = textOf(header.bytes(field.mimetype))
  return {
    layout,
    treeCid: cidOf(header.bytes(field.treeCid), 'treeCid'),
    blockSize: header.number(field.blockSize),
    datasetSize: header.number(field.datasetSize),
    ...(filename && { filename }),
    ...(mimetype && { mimetype }),
  }
}

function cidOf(bytes: Uint8Array | undefined, what: string, more: { readonly slotIndex?: number } = {}): Cid {
  try {
    return decodeCid(bytes ?? new Uint8Array(0))
  } catch (cause) {
    const found =
      bytes === undefined ? 'none' : `other bytes: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new CodexError('manifest/bad-cid', `expected ${what} to be a CID, found ${found}`, {
      detail: { what, ...more },
      cause,
    })
  }
}

function strategyOf(ordinal: number, what: string): Strategy {
  const strategy = STRATEGIES[ordinal]
  if (strategy !== undefined) return strategy
  throw new CodexError('manifest/bad-strategy', `expected ${what} 0 (linear) or 1 (stepped), found ${ordinal}`, {
    detail: { what, found: ordinal },
  })
}

/** Keeps a leading byte order mark: it is part of the name, and the bytes must come back the same. */
const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Nodes of the network keep the bytes of a header as they came, and browsers send names in ISO 8859-1. */
function textOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes && UTF8_DECODER.decode(bytes)
  } catch {
    return Array.from(bytes ?? [], (byte) => String.fromCharCode(byte)).join('')
  }
}

function expectNumber(found: number, expected: number, code: string, what: string): void {
  if (found === expected) return
  throw new CodexError(code, `expected ${what} ${expected}, found ${found}`, { detail: { what, expected, found } })
}
