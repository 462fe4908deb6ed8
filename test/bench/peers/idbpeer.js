// The store that Helia uses in a tab.

export { IDBBlockstore } from 'blockstore-idb'
export { CID } from 'multiformats/cid'
export { create as createDigest } from 'multiformats/hashes/digest'
