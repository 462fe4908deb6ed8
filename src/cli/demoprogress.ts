// How far the demo's purchase is, for its one line on a terminal: bytes while slots are downloaded, and from the fill on the time until they are paid.

import { formatDuration } from '../lib/format.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { barOf } from './progress.ts'

const BAR_CELLS = 10
const FILLED_STATES: ReadonlySet<string> = new Set(['SaleFilled', 'SaleProving', 'SalePayout'])

/** A sale, as the provider reports it. */
export interface DemoSale {
  readonly slotIndex: number
  readonly state: string
  readonly since: Seconds
  readonly proven: number
  readonly phase: { readonly at: string; readonly doneBytes?: Bytes; readonly totalBytes?: Bytes } | undefined
  readonly reservation: { readonly slotBytes: Bytes; readonly validUntil: Seconds } | undefined
}

export interface DemoStanding {
  /** The chain's. */
  readonly time: Seconds
  readonly periodSeconds: Seconds
  readonly sales: readonly DemoSale[]
}

export interface DemoProgress {
  readonly label: string
  readonly doneBytes: Bytes
  /** Undefined where it is about no bytes. */
  readonly totalBytes: Bytes | undefined
}

export function demoProgress(standing: DemoStanding): DemoProgress {
  const { sales } = standing
  if (sales.some(isDownloading)) return { label: 'slots downloaded', ...downloaded(sales) }
  const label = sales.length === 0 ? 'waiting for the chain, no slot yet' : labelOf(standing)
  return { label, doneBytes: 0, totalBytes: undefined }
}

function isDownloading({ phase }: DemoSale): boolean {
  return phase?.at === 'downloading'
}

/** Of all slots under way: one that has not begun has nothing yet, and one that is further has all. */
function downloaded(sales: readonly DemoSale[]): Pick<DemoProgress, 'doneBytes' | 'totalBytes'> {
  let [doneBytes, totalBytes] = [0, 0]
  for (const { phase, state, reservation } of sales) {
    const bytes = phase?.totalBytes ?? reservation?.slotBytes ?? 0
    const hasBegun = state !== 'SalePreparing' && state !== 'SaleSlotReserving'
    totalBytes += bytes
    doneBytes += hasBegun ? (phase?.doneBytes ?? bytes) : 0
  }
  return { doneBytes, totalBytes }
}

function labelOf({ sales, time, periodSeconds }: DemoStanding): string {
  const states = sales.map(({ slotIndex, state, proven }) => `${slotIndex} ${state.replace('Sale', '')} ${proven}`)
  const slots = `slots ${states.join(', ')}`
  if (!sales.every(({ state }) => FILLED_STATES.has(state))) return slots
  const begin = Math.min(...sales.map(({ since }) => since))
  const end = Math.max(...sales.map(({ reservation }) => reservation?.validUntil ?? 0))
  const left = formatDuration(Math.max(0, end - time))
  const next = periodSeconds - (time % periodSeconds)
  return `paid in ${left}  ${barOf((time - begin) / Math.max(1, end - begin), BAR_CELLS)}  period in ${next} s  ${slots}`
}
