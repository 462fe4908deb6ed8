// Slots: what a node does with the slots of datasets in its store. Each verb is a file of its own, loaded when it is first used, so that a node that
// sells nothing starts as fast as before; threads are started by the first verb that computes.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import type { DecodedDataset } from '../erasure/decodedataset.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { Prolonged } from '../storage/prolongdataset.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import type { BuiltSlot } from './buildstored.ts'
import type { CheckedVerifiable } from './checkverifiable.ts'
import type { SlotsEntry } from './listslots.ts'
import type { ProofInputs, ShapeOption } from './proofinputs.ts'
import type { Code, ProtectedDataset } from './protectdataset.ts'
import type { SlotRepair, SourceOption } from './repairslot.ts'
import type {
  BuildSlotOptions,
  BuiltDataset,
  Compute,
  ExpiryOption,
  HoldingOption,
  RequestOption,
  SlotsJob,
  SlotsOptions,
  SlotsParts,
} from './slotsparts.ts'
import type { SlotReport } from './verifyslots.ts'

export interface SlotsSeams {
  readonly repo: RepoStore
  readonly datasets: Datasets
  /** Called at most once, when something is to be computed for the first time. */
  readonly compute: () => Promise<Compute>
}

/** Verbs reject with `slots/closed` once closing has begun; those under way clean up first. */
export class Slots {
  readonly #seams: SlotsSeams
  readonly #closing = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  #compute: Promise<Compute> | undefined

  constructor(seams: SlotsSeams) {
    this.#seams = seams
  }

  /** As {@link protectDataset}. */
  protect(cid: Cid, options: SlotsOptions & ExpiryOption & Code): Promise<ProtectedDataset> {
    return this.#run(options, async (parts, job) => {
      const { protectDataset } = await import('./protectdataset.ts')
      return protectDataset(parts, cid, { ...options, ...job })
    })
  }

  /** As {@link buildStored}. */
  build(cid: Cid, options: SlotsOptions & ExpiryOption & RequestOption): Promise<BuiltDataset> {
    return this.#run(options, async (parts, job) => {
      const { buildStored } = await import('./buildstored.ts')
      return buildStored(parts, cid, { ...options, ...job })
    })
  }

  /** As {@link buildSlot}. */
  buildSlot(manifest: VerifiableManifest, index: number, options: SlotsOptions & BuildSlotOptions): Promise<BuiltSlot> {
    return this.#run(options, async (parts, job) => {
      const { buildSlot } = await import('./buildstored.ts')
      return buildSlot(parts, manifest, index, { ...options, ...job })
    })
  }

  /** As {@link checkVerifiable}, for a manifest from anywhere. */
  check(manifest: Manifest, options: SlotsOptions & RequestOption): Promise<CheckedVerifiable> {
    return this.#run(options, async ({ poseidon2 }, { signal, rank }) => {
      const { checkVerifiable } = await import('./checkverifiable.ts')
      return checkVerifiable(poseidon2, manifest, { signal, rank, merkleRoot: options.merkleRoot })
    })
  }

  /** As {@link sampleInputs}. */
  sampleInputs(options: Pick<SlotsOptions, 'signal'> & ShapeOption): Promise<ProofInputs> {
    return this.#run(options, async (parts, { signal }) => {
      const { sampleInputs } = await import('./sampleinputs.ts')
      return sampleInputs(parts, { signal, shape: options.shape })
    })
  }

  /**
   * Stores a manifest without its blocks; it holds no tree by that. One that is here already stays, until then at least.
   * @param beyondBytes as there
   * @returns its CID
   * @throws CodexError as `Growth.finish`
   */
  async keepManifest(
    manifest: Manifest,
    expiry: Seconds,
    { signal, beyondBytes }: AbortOptions & { readonly beyondBytes?: Bytes | undefined },
  ): Promise<Cid> {
    const { trees } = this.#seams.datasets
    const own = { signal: this.#own(signal) }
    const holding = [{ manifest, holds: [] }]
    const [cid] = await this.#follow(trees.grow(own, (growth) => growth.finish([], holding, expiry, beyondBytes)))
    return cid as Cid
  }

  /** As {@link verifySlots}: reports are in the order of the slots. */
  verify(
    cid: Cid,
    options: SlotsOptions & RequestOption & { readonly index?: number | undefined },
  ): Promise<SlotReport[]> {
    return this.#run(options, async (parts, job) => {
      const { verifySlots } = await import('./verifyslots.ts')
      return verifySlots(parts, cid, { ...job, index: options.index, merkleRoot: options.merkleRoot })
    })
  }

  /** As {@link repairSlot}. */
  repair(
    cid: Cid,
    index: number,
    options: SlotsOptions & ExpiryOption & RequestOption & HoldingOption & SourceOption,
  ): Promise<SlotRepair> {
    return this.#run(options, async (parts, job) => {
      const { repairSlot } = await import('./repairslot.ts')
      return repairSlot(parts, cid, index, { ...options, ...job })
    })
  }

  /** As {@link decodeDataset}, for a protected or verifiable dataset; kept as long as that one by default. */
  decode(cid: Cid, options: SlotsOptions & ExpiryOption): Promise<DecodedDataset> {
    return this.#run(options, async (parts, job) => {
      const { decodeStored } = await import('./decodestored.ts')
      return decodeStored(parts, cid, { ...options, ...job })
    })
  }

  /**
   * As {@link recoverBlocks}: for whoever reads a dataset of which blocks are lost. Nothing is stored.
   * @throws CodexError as that, `erasure/*` for a manifest no code can have
   */
  recoverBlocks(
    manifest: ProtectedManifest | VerifiableManifest,
    indices: readonly number[],
    options: SlotsOptions,
  ): Promise<VerifiedBlock[]> {
    return this.#run(options, async (parts, { signal, rank }) => {
      const { recoverBlocks } = await import('../erasure/recoverblocks.ts')
      return recoverBlocks(parts, manifest, indices, { signal, rank })
    })
  }

  /**
   * As {@link storedProofInputs}.
   * @param challenge 32 bytes as 0x-hex
   * @param options `rank` is `duty` by default
   */
  proofInputs(
    cid: Cid,
    index: number,
    challenge: string,
    options: Pick<SlotsOptions, 'signal' | 'rank'> & RequestOption & ShapeOption,
  ): Promise<ProofInputs> {
    return this.#run({ rank: 'duty', ...options }, async (parts, job) => {
      const { storedProofInputs } = await import('./storedproofinputs.ts')
      const { merkleRoot, shape } = options
      return storedProofInputs(parts, cid, index, challenge, { ...job, merkleRoot, shape })
    })
  }

  /** As {@link listSlots}. */
  async *list({ signal }: AbortOptions): AsyncGenerator<SlotsEntry, void> {
    const { listSlots } = await import('./listslots.ts')
    yield* listSlots(this.#seams, { signal: this.#own(signal) })
  }

  /** As {@link showSlots}. */
  async show(cid: Cid, { signal }: AbortOptions): Promise<SlotsEntry> {
    const { showSlots } = await import('./listslots.ts')
    return this.#follow(showSlots(this.#seams, cid, { signal: this.#own(signal) }))
  }

  /** As {@link prolongDataset}: every block that is here, and the manifest. */
  async ensureExpiry(cid: Cid, expiry: Seconds, { signal }: AbortOptions): Promise<Prolonged> {
    const { repo, datasets } = this.#seams
    const { prolongDataset } = await import('../storage/prolongdataset.ts')
    const manifest = await datasets.manifest(cid)
    return this.#follow(prolongDataset(repo, cid, manifest, expiry, { signal: this.#own(signal) }))
  }

  /**
   * Drops what is here of a slot's blocks; its tree goes with the dataset.
   * @returns how many blocks there were
   * @throws CodexError `slots/not-verifiable`, `slots/no-such-slot`, and as `Datasets.manifest`
   */
  async dropSlot(cid: Cid, index: number, { signal }: AbortOptions): Promise<number> {
    const { dropSlot } = await import('./dropslot.ts')
    return this.#follow(dropSlot(this.#seams, cid, index, { signal: this.#own(signal) }))
  }

  /** Ends what is under way, waits until it has cleaned up, and ends the threads. Never rejects; later calls wait for the same. */
  async close(): Promise<void> {
    this.#closing.abort(new CodexError('slots/closed', 'the node was stopped while it worked on slots'))
    await Promise.allSettled(this.#underWay)
    const compute = await this.#compute?.catch(() => undefined)
    await compute?.close()
  }

  async #run<T>(options: SlotsOptions, work: (parts: SlotsParts, job: SlotsJob) => Promise<T>): Promise<T> {
    const { progress, rank = 'background' } = options
    const signal = this.#own(options.signal)
    const run = async (): Promise<T> => {
      const { repo, datasets } = this.#seams
      const { poseidon2, erasure } = await this.#computing()
      return work({ repo, datasets, poseidon2, erasure }, { signal, progress, rank })
    }
    return this.#follow(run())
  }

  /** The caller's signal and our own; throws at once where one of them has aborted. */
  #own(signal: AbortSignal): AbortSignal {
    const own = AbortSignal.any([signal, this.#closing.signal])
    own.throwIfAborted()
    return own
  }

  async #follow<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  #computing(): Promise<Compute> {
    this.#compute ??= this.#seams.compute().catch((error: unknown) => {
      // The next verb tries anew.
      this.#compute = undefined
      throw error
    })
    return this.#compute
  }
}
