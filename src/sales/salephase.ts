// The phases of a sale: their names, and the drawing of which follows which, as data. The story itself is in sale.ts.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { Period } from '../market/periodicity.ts'
import type { Reservation } from './reservation.ts'
import { OUTCOME_NAMES, type SaleEnd } from './saleoutcome.ts'

/** Yielded on entry, so that the log, the metrics and the tab read one stream. */
export type SalePhase =
  | { readonly at: 'preparing' | 'initial proving' | 'filling' | 'collecting' }
  | { readonly at: 'reserving'; readonly reservation: Reservation }
  | { readonly at: 'downloading'; readonly doneBytes: Bytes; readonly totalBytes: Bytes }
  | { readonly at: 'filled'; readonly until: Seconds }
  | { readonly at: 'proving'; readonly period: Period; readonly proven: number; readonly missed: number }

export type PhaseName = SalePhase['at']

/** Names shown to people and REST. */
export const PHASE_NAMES = {
  preparing: 'SalePreparing',
  reserving: 'SaleSlotReserving',
  downloading: 'SaleDownloading',
  'initial proving': 'SaleInitialProving',
  filling: 'SaleFilling',
  filled: 'SaleFilled',
  proving: 'SaleProving',
  collecting: 'SalePayout',
} as const satisfies Readonly<Record<PhaseName, string>>

/** Of a sale that was taken up after a restart and has not entered a phase yet. */
export const RESUMING_NAME = 'SaleUnknown'

/** All fourteen. */
export const SALE_STATE_NAMES = [
  ...new Set([RESUMING_NAME, ...Object.values(PHASE_NAMES), ...Object.values(OUTCOME_NAMES)]),
] as const

/** In which phases a sale may begin: afresh, with bytes and collateral set aside, with a fill under way, or with a slot that is ours on chain. */
export const FIRST_PHASES: readonly PhaseName[] = ['preparing', 'reserving', 'filling', 'filled', 'collecting']

/**
 * The drawing, asserted on every yield. Each phase that shows progress follows itself. From filling back to proving: the challenge changed
 * before the transaction was in the chain. From proving back to filling: a reorganisation took the fill back; from collecting back to filled: it took the end
 * back. A slot that is over is collected, whatever way it ended.
 */
export const next: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  preparing: ['reserving'],
  reserving: ['downloading'],
  downloading: ['downloading', 'initial proving'],
  'initial proving': ['filling'],
  filling: ['initial proving', 'filled', 'filling'],
  filled: ['proving'],
  proving: ['proving', 'collecting', 'filling'],
  collecting: ['filled', 'filling'],
}

const BEFORE_THE_FILL: readonly SaleEnd[] = ['declined', 'cancelled', 'failed', 'broke', 'paused']
const AFTER_THE_FILL: readonly SaleEnd[] = ['freed', 'failed', 'paused']

/** From which phase a sale may end how. There is no `broke` after the fill: only the chain ends it then. */
export const ends: Readonly<Record<PhaseName, readonly SaleEnd[]>> = {
  // What becomes of its request is not watched yet.
  preparing: ['declined', 'broke', 'paused'],
  reserving: BEFORE_THE_FILL,
  downloading: BEFORE_THE_FILL,
  'initial proving': BEFORE_THE_FILL,
  // It landed, and was taken from us before we knew.
  filling: [...BEFORE_THE_FILL, 'freed'],
  filled: AFTER_THE_FILL,
  proving: AFTER_THE_FILL,
  // Declined: a reorganisation took our fill back, and another host's came in its place.
  collecting: ['paid', 'cancelled', 'failed', 'freed', 'declined', 'paused'],
}

/** Whether the drawing lets `to` come after `from`; `undefined` is the beginning. */
export function mayFollow(from: PhaseName | undefined, to: PhaseName): boolean {
  return (from === undefined ? FIRST_PHASES : next[from]).includes(to)
}

/** How a sale taken up after a restart may end before it enters a phase. */
const RESUMED: readonly SaleEnd[] = ['paid', 'declined', 'cancelled', 'failed', 'freed', 'paused']

/** Whether the drawing lets a sale end so; `undefined` is one that was taken up after a restart and entered no phase. */
export function mayEnd(from: PhaseName | undefined, end: SaleEnd): boolean {
  return (from === undefined ? RESUMED : ends[from]).includes(end)
}
