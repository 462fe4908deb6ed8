// How far back a reorganisation may take the chain, in time: for those who must not act on what may still be undone.

import type { Seconds } from '../lib/units.ts'

/** A dozen blocks of the slowest chain we know, and what an endpoint takes to tell. */
export const REORG_REACH_SECONDS: Seconds = 180
