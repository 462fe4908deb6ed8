// The interface that the stores of Helia share, as far as the benchmarks use it.

export interface ForeignCid {
  readonly version: number
}
export interface PeerCid {
  createV1(codec: number, digest: object): ForeignCid
}
export type PeerDigest = (hashCode: number, digest: Uint8Array) => object

export interface PeerStore {
  open(): Promise<void>
  close(): Promise<void>
  putMany(blocks: Iterable<{ cid: ForeignCid; bytes: Uint8Array }>): AsyncIterable<ForeignCid>
  getMany(cids: Iterable<ForeignCid>): AsyncIterable<{ cid: ForeignCid; bytes: AsyncIterable<Uint8Array> }>
}
