// What the benchmarks use of these packages, written down here because they are not installed with the project.

import type { PeerCid, PeerDigest, PeerStore } from './peerstore.d.ts'

export declare class ClassicLevel {
  constructor(folder: string, options: { keyEncoding: 'utf8'; valueEncoding: 'view' })
  put(key: string, value: Uint8Array, options: { sync: boolean }): Promise<void>
}
export declare const LevelBlockstore: new (level: ClassicLevel) => PeerStore
export declare const CID: PeerCid
export declare const createDigest: PeerDigest
