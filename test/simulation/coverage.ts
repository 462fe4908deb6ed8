// What the fixed set of simulated worlds has to have seen: every phase, every way from one to the next, every end, every kind of fault. Made of the
// tables that the code itself is held to, so that a new phase cannot be forgotten.

import { OUTCOME_NAMES } from '../../src/sales/saleoutcome.ts'
import { FIRST_PHASES, type PhaseName, PHASE_NAMES, ends, next } from '../../src/sales/salephase.ts'

export const FAULTS = [
  ...['rpc outage', 'call fails', 'call stale', 'call late', 'send refused', 'send lost', 'answer lost'],
  ...['event lost', 'event twice', 'event late', 'prove fails', 'prove slow', 'commit fails', 'clock jumps'],
  ...['net lost', 'net late', 'net fails', 'net down', 'net rows lacking', 'net rows fail'],
  ...['reorg', 'crash', 'stop', 'freeze', 'thaw', 'start'],
] as const

const CHAIN = [
  ...['StorageRequested', 'SlotFilled', 'SlotFreed', 'SlotReservationsFull', 'RequestFulfilled', 'RequestFailed'],
  ...['RequestCancelled', 'ProofSubmitted', 'slash', 'undone ProofSubmitted', 'undone SlotFilled'],
  'undone StorageRequested',
]
const PURCHASES = ['finished', 'cancelled', 'failed', 'errored']
const OWNER_ACTS = 7

/** Ways that the tables allow and that only a coincidence of several faults takes. Those before the fill, and out of it, have tests of their own (test/sales). */
const RARE: ReadonlySet<string> = new Set([
  'way/filling>filling',
  'way/filling>initial proving',
  'way/proving>filling',
  'way/collecting>filling',
  'way/collecting>filled',
  'way/collecting>end declined',
  ...['reserving', 'downloading', 'initial proving', 'filling'].map((from) => `way/${from}>end failed`),
  ...['filled>end freed', 'filled>end failed', 'filled>end paused', 'proving>end failed'].map((way) => `way/${way}`),
  'way/preparing>end broke',
  'way/reserving>end cancelled',
  'way/initial proving>end cancelled',
  'way/filling>end cancelled',
])

const PHASES = Object.keys(PHASE_NAMES) as PhaseName[]

/** Everything, by the names under which {@link History.cover} counts it. */
export const EVERYTHING: readonly string[] = [
  ...PHASES.map((phase) => `phase/${phase}`),
  ...FIRST_PHASES.map((phase) => `way/start>${phase}`),
  ...PHASES.flatMap((from) => next[from].map((to) => `way/${from}>${to}`)),
  ...PHASES.flatMap((from) => ends[from].map((end) => `way/${from}>end ${end}`)),
  ...Object.keys(OUTCOME_NAMES).map((end) => `end/${end}`),
  ...FAULTS.map((fault) => `fault/${fault}`),
  ...CHAIN.map((event) => `chain/${event}`),
  ...PURCHASES.map((state) => `purchase/${state}`),
  ...Array.from({ length: OWNER_ACTS }, (_, act) => `owner/${act}`),
].filter((what) => !RARE.has(what))

/** Of {@link EVERYTHING}, what none of these runs saw. */
export function notCovered(coverages: readonly Readonly<Record<string, number>>[]): string[] {
  return EVERYTHING.filter((what) => !coverages.some((coverage) => (coverage[what] ?? 0) > 0))
}
