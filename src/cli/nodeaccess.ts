// The seam between verbs and a node: one that this process opened, or one that runs elsewhere and is asked over its REST surface. Verbs do not care.

import type { AbortOptions } from '../lib/abort.ts'
import type { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { SlotsDesk } from '../rest/slotsdesk.ts'

/** Of fetching, where nothing else is said: peers are found within seconds, or not at all. */
export const DEFAULT_STALL_SECONDS: Seconds = 120

export interface SpaceReport {
  readonly totalBlocks: number
  readonly quotaMaxBytes: Bytes
  readonly quotaUsedBytes: Bytes
  readonly quotaReservedBytes: Bytes
}

export type ListedDataset =
  | { readonly cid: Cid; readonly manifest: Manifest }
  | { readonly cid: Cid; readonly manifest: undefined; readonly error: CodexError }

export interface UploadNames {
  readonly filename: string | undefined
  readonly mimetype: string | undefined
}

export interface StoredDataset {
  readonly cid: Cid
  readonly manifest: Manifest
  readonly blocks: number
  /** Of the manifest. */
  readonly expiry: Seconds | undefined
}

export interface FetchState {
  readonly totalBytes: Bytes
  readonly doneBytes: Bytes
  readonly fetchedBytes: Bytes
  readonly peers: number
}

export interface PeersReport {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly spr: string
  readonly peers: readonly {
    readonly peerId: string
    readonly address: string
    readonly direction: 'inbound' | 'outbound'
    readonly connectedSince: Seconds
    readonly bytesPerSecond: number
    readonly receivedBytes: Bytes
    readonly sentBytes: Bytes
    readonly asked: number
    readonly wanted: number
  }[]
}

/** All reject with the signal's reason, with what the node throws, or with `node/not-reached` when it went away. */
export interface NodeAccess {
  readonly slots: SlotsDesk
  space(options: AbortOptions): Promise<SpaceReport>
  /** Counts everything again. @returns a sentence for each disagreement with the books */
  check(options: AbortOptions): Promise<readonly string[]>
  list(options: AbortOptions): AsyncIterable<ListedDataset>
  upload(
    source: AsyncIterable<Uint8Array>,
    options: AbortOptions & UploadNames & { readonly progress: (doneBytes: Bytes) => void },
  ): Promise<StoredDataset>
  /** Of a dataset in the store. @throws CodexError `dataset/not-found` */
  manifest(cid: Cid, options: AbortOptions): Promise<Manifest>
  /** Content of a dataset in the store. */
  read(cid: Cid, options: AbortOptions & { readonly offset: Bytes; readonly length: Bytes }): AsyncIterable<Uint8Array>
  /** Of the store; with `stallSeconds` else from peers, where there are any. @throws CodexError `dataset/not-found`, `exchange/stalled` */
  block(cid: Cid, options: AbortOptions & { readonly stallSeconds?: Seconds | undefined }): Promise<Uint8Array>
  remove(cid: Cid, options: AbortOptions): Promise<'removed' | 'absent' | 'in use'>
  /** Gets all content of a dataset from peers into the store. @throws CodexError `node/no-network` where there is nobody to ask */
  fetch(
    cid: Cid,
    options: AbortOptions & { readonly stallSeconds: Seconds; readonly progress: (state: FetchState) => void },
  ): Promise<Manifest>
  peers(options: AbortOptions): Promise<PeersReport>
  /** @param peer multiaddr or SPR @returns its peer id */
  connect(peer: string, options: AbortOptions): Promise<string>
}
