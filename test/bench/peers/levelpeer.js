// The store that Helia uses in Node, with the database under it. Runs from this folder's own packages, as its users run it.

export { LevelBlockstore } from 'blockstore-level'
export { ClassicLevel } from 'classic-level'
export { CID } from 'multiformats/cid'
export { create as createDigest } from 'multiformats/hashes/digest'
