// What the benchmarks use of these packages, written down here because they are not installed with the project.

import type { PeerCid, PeerDigest, PeerStore } from './peerstore.d.ts'

export declare const IDBBlockstore: new (name: string) => PeerStore & { readonly db: IDBDatabase }
export declare const CID: PeerCid
export declare const createDigest: PeerDigest
