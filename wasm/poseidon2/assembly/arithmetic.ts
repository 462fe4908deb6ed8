// What kernel.ts stands on: states of three elements, one per lane. Only declared here; the build puts the text that
// arithmetictext.js writes for a variant in this file's place.
//
// An address with a stride means one place per lane: `from`, `from + stride`, and so on. Words are counted from 0.

/** How many independent states there are. */
export declare const LANES: usize

/** All states to (0, 0, IV of rate 2). */
export declare function reset(): void

/** That word of all states to 0. */
export declare function clear(word: usize): void

/** Adds 32 bytes, of the top 8 only what is in `topMask`, to that word. They are below 2^254. */
export declare function enter(word: usize, from: usize, stride: usize, topMask: u64): void

/** Writes that word, fully reduced, as 32 bytes. */
export declare function leave(word: usize, to: usize, stride: usize): void

/** All states. */
export declare function permute(): void
