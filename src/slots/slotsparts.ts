// What work on the slots of datasets in the store is given. Types only.

import type { AbortOptions } from '../lib/abort.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import type { Erasure } from '../erasure/erasure.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { Rank } from '../workers/rankqueue.ts'
import type { Poseidon2 } from './poseidon2.ts'
import type { SlotsProgress } from './slotsprogress.ts'

/** Whoever computes, on threads of their own. */
export interface Compute {
  readonly poseidon2: Poseidon2
  readonly erasure: Erasure
  /** Ends the threads; open calls reject with `worker/pool-closed`. Never rejects. */
  close(): Promise<void>
}

export interface SlotsParts extends Pick<Compute, 'poseidon2' | 'erasure'> {
  readonly repo: RepoStore
  readonly datasets: Datasets
}

/** As callers give them. */
export interface SlotsOptions extends AbortOptions {
  readonly progress?: ((progress: SlotsProgress) => void) | undefined
  /** Against other work of the same node; `background` by default. */
  readonly rank?: Rank | undefined
}

/** As the work gets them. */
export interface SlotsJob extends AbortOptions {
  readonly progress: ((progress: SlotsProgress) => void) | undefined
  readonly rank: Rank
}

export interface ExpiryOption {
  /** Keep what is stored at least until then; by default as long as what it is made of. */
  readonly expiry?: Seconds | undefined
}

export interface RequestOption {
  /** `content.merkleRoot` of the request that the slots are for, which the manifest must be the one of (data reference §7.5): 32 bytes as 0x-hex. */
  readonly merkleRoot?: string | undefined
}

export interface HoldingOption {
  /**
   * Whether the manifest is to hold the dataset's tree, so that its blocks stay as long as it does. Default: true. Not so where somebody else keeps the
   * blocks, and lets go of them.
   */
  readonly holdsDataset?: boolean | undefined
}

export interface BuildSlotOptions extends ExpiryOption, RequestOption, HoldingOption {
  /** Whether it is hashed where its tree was built and compared before too. Default: true. */
  readonly again?: boolean | undefined
}

/** A dataset whose slots can be proven, whole in the store. */
export interface BuiltDataset {
  readonly verifiableCid: Cid
  readonly manifest: VerifiableManifest
  /** What a request on chain calls `merkleRoot`, as an element of the field. */
  readonly datasetRoot: bigint
  readonly slotRoots: readonly bigint[]
}
