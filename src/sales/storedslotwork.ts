// SlotWork on real parts: manifest and blocks from peers into the store, paid by the Reservation; trees, proof inputs and proofs from there. It sells
// nothing and settles nothing.

import type { NodeNetwork } from '../exchange/nodenetwork.ts'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid, equalCids } from '../protocol/cid.ts'
import { requestId } from '../protocol/ids.ts'
import type { Manifest, VerifiableManifest } from '../protocol/manifest.ts'
import { decodeManifest, manifestBytes } from '../protocol/manifestcodec.ts'
import type { RequestId, StorageAsk, StorageRequest } from '../protocol/request.ts'
import type { CircuitShape, ProofInputs } from '../slots/proofinputs.ts'
import { slotGeometry, slotRange } from '../slots/slotgeometry.ts'
import type { Slots } from '../slots/slots.ts'
import type { Datasets } from '../storage/datasets.ts'
import { mendRecords } from '../storage/mendrecords.ts'
import { prolongLeaves } from '../storage/prolongdataset.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { holdersOf } from '../storage/holdersof.ts'
import { isWholeTree } from '../storage/wholetree.ts'
import { KeptManifests } from './keptmanifests.ts'
import { MANIFEST_ROOM_BYTES } from './manifestroom.ts'
import { tellProgress } from './tellprogress.ts'
import type { Reservation } from './reservation.ts'
import type { Reservations } from './reservations.ts'
import { SlotDownload } from './slotdownload.ts'
import { SlotMends } from './slotmends.ts'
import type { FetchSlotOptions, ProveOptions, SlotContent, SlotWork } from './slotwork.ts'

export interface StoredSlotWorkParts {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly slots: Slots
  readonly network: Pick<NodeNetwork, 'exchange' | 'manifest'>
  readonly reservations: Pick<Reservations, 'put' | 'reservations' | 'reservationOf'>
  /** Given the inputs while they are gathered, so that it knows of the proof from the beginning. */
  readonly prove: (
    inputs: Promise<ProofInputs>,
    options: AbortOptions & { readonly rank: 'duty' | 'sale' },
  ) => Promise<Groth16Proof>
  /** Of the circuit that `prove` proves with. */
  readonly shape: CircuitShape
  readonly log: Log
}

/** What a proof says that can be mended. */
const MENDABLE = [
  'dataset/not-found',
  'slots/tree-missing',
  'slots/block-missing',
  'slots/block-damaged',
  'store/corrupted-record',
  'store/block-corrupted',
]

/**
 * Manifest and blocks are kept so much longer than is asked for: until its accounts are settled, the bytes are the slot's, however late the payout comes.
 * Were they let go at the end of the request, others could take them, and the Availability would stay smaller for good. The settlement drops them.
 */
export const SETTLING_SECONDS: Seconds = 30 * 24 * 3600
/** What was lost of a filled slot is computed from others when nobody has given any of it for so long. */
const MEND_STALL_SECONDS: Seconds = 20

export class StoredSlotWork implements SlotWork {
  readonly #parts: StoredSlotWorkParts
  readonly #kept: KeptManifests
  readonly #mends = new SlotMends()

  constructor(parts: StoredSlotWorkParts) {
    this.#parts = parts
    const { repo, reservations, log } = parts
    const { datastore } = repo.parts
    this.#kept = new KeptManifests({
      datastore,
      reservations,
      log,
      remove: (cid, options) => this.#remove(cid, options),
    })
  }

  async look(slot: SlotContent, { signal }: AbortOptions): Promise<void> {
    const { repo } = this.#parts
    const cid = decodeCid(slot.request.content.cid)
    const manifest = await this.#manifest(slot, signal)
    if (await repo.has(cid)) return
    const bytes = manifestBytes(manifest).length
    const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await repo.space()
    const free = quotaMaxBytes + MANIFEST_ROOM_BYTES - quotaUsedBytes - quotaReservedBytes
    if (bytes <= free) return
    throw new CodexError(
      'sale/no-manifest-room',
      `its manifest takes ${bytes} bytes, and ${free} bytes are left beside what is set aside: raise the quota, or offer less`,
      { detail: { cid: String(cid), bytes, freeBytes: free } },
    )
  }

  fetch(slot: SlotContent, options: FetchSlotOptions): AsyncGenerator<Bytes, void, void> {
    const expiry = untilSettled(options.expiry)
    return tellProgress(options, (signal, tell) => this.#fetch(slot, { ...options, expiry, signal }, tell))
  }

  async keepUntil({ request, slotIndex }: SlotContent, end: Seconds, { signal }: AbortOptions): Promise<void> {
    const { repo, datasets } = this.#parts
    const expiry = untilSettled(end)
    const cid = decodeCid(request.content.cid)
    const manifest = asVerifiable(cid, (await this.#copy(cid)) ?? (await datasets.manifest(cid)))
    await prolongLeaves(repo, manifest.treeCid, slotRange(manifest, slotIndex), expiry, { signal })
    await this.#keep(request, manifest, expiry, signal)
  }

  async prove(slot: SlotContent, challenge: string, { signal, rank, beside }: ProveOptions): Promise<Groth16Proof> {
    const { slots, shape, prove } = this.#parts
    const { request, slotIndex } = slot
    const cid = decodeCid(request.content.cid)
    const gather = (): Promise<ProofInputs> =>
      slots.proofInputs(cid, slotIndex, challenge, { signal, rank, shape, merkleRoot: request.content.merkleRoot })
    const inputs = gather().catch(async (error: unknown) => {
      if (!(await this.#mend(slot, error, { signal, beside }))) throw error
      return gather()
    })
    return prove(inputs, { signal, rank })
  }

  letGo(id: RequestId, options: AbortOptions): Promise<void> {
    return this.#kept.letGo(id, options)
  }

  letGoOfEnded(options: AbortOptions): Promise<void> {
    return this.#kept.letGoOfEnded(options)
  }

  async #remove(cid: Cid, { signal }: AbortOptions): Promise<void> {
    const { datasets, reservations, repo } = this.#parts
    let manifest: Manifest
    try {
      manifest = await datasets.manifest(cid)
    } catch (error) {
      if (CodexError.is(error, 'dataset/not-found')) return
      throw error
    }
    const tree = String(manifest.treeCid)
    // Of a slot that was taken before it was on record which manifests are kept.
    if (reservations.reservations().some((each) => each.tree === tree)) return
    // The owner of this node put it here, or asked for it.
    const holders = await holdersOf(repo.parts.datastore, manifest.treeCid, { signal })
    if (!holders.some((holder) => equalCids(holder, cid))) await datasets.remove(cid, { signal })
  }

  async #fetch(
    { request, slotIndex }: SlotContent,
    { reservation, expiry, isRepair, signal }: FetchSlotOptions,
    tell: (doneBytes: Bytes) => void,
  ): Promise<void> {
    const manifest = await this.#manifest({ request, slotIndex }, signal)
    // First, because it needs room beside what is set aside for the slot, and everything after it costs more.
    await this.#keep(request, manifest, expiry, signal)
    const download = new SlotDownload(this.#parts, { manifest, slotIndex, reservation, expiry, tell })
    if (isRepair) return this.#rebuild(download, request, signal)
    await download.fetch({ signal })
    await this.#buildTree({ request, slotIndex }, manifest, expiry, signal)
  }

  /** Rows of others are computed with, and the slot's tree stored with what came out. */
  async #rebuild(download: SlotDownload, { content }: StorageRequest, signal: AbortSignal): Promise<void> {
    const { merkleRoot } = content
    await download.rebuild(decodeCid(content.cid), { signal, merkleRoot })
  }

  async #buildTree(
    { request, slotIndex }: SlotContent,
    manifest: VerifiableManifest,
    expiry: Seconds,
    signal: AbortSignal,
  ): Promise<void> {
    const { merkleRoot } = request.content
    const options = { signal, expiry, merkleRoot, rank: 'sale', holdsDataset: false, again: false } as const
    await this.#parts.slots.buildSlot(manifest, slotIndex, options)
  }

  async #keep(
    request: StorageRequest,
    manifest: VerifiableManifest,
    expiry: Seconds,
    signal: AbortSignal,
  ): Promise<void> {
    const kept = { cid: decodeCid(request.content.cid), bytes: manifestBytes(manifest) }
    const store = () => this.#parts.slots.keepManifest(manifest, expiry, { signal, beyondBytes: MANIFEST_ROOM_BYTES })
    await this.#kept.keep(requestId(request), kept, store, { signal })
  }

  /** What was kept beside the store for as long as a slot needs it. */
  async #copy(cid: Cid): Promise<Manifest | undefined> {
    const bytes = await this.#kept.copyOf(cid)
    return bytes && decodeManifest(bytes)
  }

  async #manifest({ request }: SlotContent, signal: AbortSignal): Promise<VerifiableManifest> {
    const { network, slots } = this.#parts
    const { merkleRoot } = request.content
    const cid = decodeCid(request.content.cid)
    const found = (await this.#copy(cid)) ?? (await network.manifest(cid, { signal }))
    const { manifest } = await slots.check(found, { signal, merkleRoot, rank: 'sale' })
    checkTerms(request.ask, manifest)
    return manifest
  }

  /** Settles when the slot is whole again. @returns false where nothing of that kind is wrong */
  async #mend(
    slot: SlotContent,
    error: unknown,
    { signal, beside }: Pick<ProveOptions, 'signal' | 'beside'>,
  ): Promise<boolean> {
    const { reservations, log } = this.#parts
    if (!CodexError.is(error) || !MENDABLE.includes(error.code)) return false
    const reservation = reservations.reservationOf(requestId(slot.request), slot.slotIndex)
    if (reservation === undefined) return false
    const work = (own: AbortSignal): Promise<void> => {
      log.warn('the data of a filled slot is not whole; fetching it again', { slotIndex: slot.slotIndex, error })
      return this.#restore(slot, reservation, own)
    }
    if (beside === undefined) await work(signal)
    else await this.#mends.join(reservation.id, beside, work, { signal })
    return true
  }

  /** Brings back what is missing of a slot, and no more: the rest of it was hashed before. */
  async #restore({ request, slotIndex }: SlotContent, reservation: Reservation, signal: AbortSignal): Promise<void> {
    const { log, repo } = this.#parts
    const cid = decodeCid(request.content.cid)
    const expiry = untilSettled(reservation.validUntil)
    const copy = await this.#copy(cid)
    const manifest = copy === undefined ? await this.#manifest({ request, slotIndex }, signal) : asVerifiable(cid, copy)
    const root = manifest.slotRoots[slotIndex]
    const { paddedBlocks } = slotGeometry(manifest)
    const trees = [
      { tree: manifest.treeCid, range: slotRange(manifest, slotIndex) },
      ...(root === undefined ? [] : [{ tree: root, range: { first: 0, end: paddedBlocks } }]),
    ]
    // First: what cannot be read cannot be counted, and must not be replaced.
    await mendRecords(repo.parts, { blocks: [cid], trees, lists: [reservation.listId] }, { signal })
    await this.#keep(request, manifest, expiry, signal)
    const order = { manifest, slotIndex, reservation, expiry, tell: () => undefined }
    const download = new SlotDownload(this.#parts, order)
    try {
      await download.fetch({ signal, stallSeconds: MEND_STALL_SECONDS })
    } catch (error) {
      if (!CodexError.is(error, 'exchange/stalled')) throw error
      // Other hosts have other slots, and the client may be gone.
      log.warn('nobody gives what was lost of a slot; computing it from other slots', { slotIndex, error })
      return this.#rebuild(download, request, signal)
    }
    if (root !== undefined && (await isWholeTree(repo.parts.datastore, root, paddedBlocks, { signal }))) return
    await this.#buildTree({ request, slotIndex }, manifest, expiry, signal)
  }
}

function untilSettled(end: Seconds): Seconds {
  return Math.min(end + SETTLING_SECONDS, Number.MAX_SAFE_INTEGER)
}

function asVerifiable(cid: Cid, manifest: Manifest): VerifiableManifest {
  if (manifest.kind === 'verifiable') return manifest
  throw new CodexError('slots/not-verifiable', 'expected a dataset with slot roots', {
    detail: { cid: String(cid), kind: manifest.kind },
  })
}

/** That the slots paid for are those of the manifest. @throws CodexError `sale/other-slots` */
function checkTerms(ask: StorageAsk, manifest: VerifiableManifest): void {
  const { slotCount, slotBytes } = slotGeometry(manifest)
  if (ask.slots === BigInt(slotCount) && ask.slotSize === BigInt(slotBytes)) return
  throw new CodexError(
    'sale/other-slots',
    `expected ${ask.slots} slots of ${ask.slotSize} bytes, as the request says, found a manifest of ${slotCount} of ${slotBytes} bytes`,
    { detail: { slots: ask.slots, slotSize: ask.slotSize, foundSlots: slotCount, foundBytes: slotBytes } },
  )
}
