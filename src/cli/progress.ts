// One line on a terminal that says how far something is, redrawn in place and gone at the end. Only for terminals; see terminal.ts.

import { formatBytes, formatDuration } from '../lib/format.ts'

/** Ten times a second at most. */
const REDRAW_MS = 100
/** What ends sooner shows nothing. */
const FIRST_DRAW_MS = 300
/** Weight of the latest moment in the rate shown. */
const RATE_WEIGHT = 0.1
const BAR_CELLS = 10
const DEFAULT_COLUMNS = 80

export interface ProgressParts {
  readonly label: string
  /** Undefined when nobody knows. */
  readonly totalBytes: number | undefined
  /** Its width is 0 where nobody knows it. */
  readonly stream: { write(text: string): unknown; readonly columns?: number }
  readonly colour: boolean
}

/** How far the work is, and what it is about from now on where that changes. */
export type Advance = (doneBytes: number, now?: Pick<ProgressParts, 'label' | 'totalBytes'>) => void

export interface ProgressState {
  readonly label: string
  readonly doneBytes: number
  readonly totalBytes: number | undefined
  readonly bytesPerSecond: number
  readonly elapsedSeconds: number
}

export class Progress {
  readonly #parts: ProgressParts
  #subject: Pick<ProgressParts, 'label' | 'totalBytes'>
  readonly #timer: NodeJS.Timeout
  readonly #startMs = performance.now()
  #doneBytes = 0
  #drawnBytes = 0
  #drawnMs = this.#startMs
  #bytesPerSecond = 0
  #visible = false

  constructor(parts: ProgressParts) {
    this.#parts = parts
    this.#subject = parts
    this.#timer = setInterval(() => this.#tick(), REDRAW_MS)
    this.#timer.unref()
  }

  advance(doneBytes: number, now = this.#subject): void {
    // Another stage counts from its own beginning.
    if (now.label !== this.#subject.label) this.#drawnBytes = doneBytes
    this.#subject = now
    this.#doneBytes = doneBytes
  }

  /** Makes room for another line; the next tick draws again. */
  hide(): void {
    if (this.#visible) this.#parts.stream.write('\r\u001b[K')
    this.#visible = false
  }

  end(): void {
    clearInterval(this.#timer)
    this.hide()
  }

  #tick(): void {
    const nowMs = performance.now()
    const latest = ((this.#doneBytes - this.#drawnBytes) / (nowMs - this.#drawnMs)) * 1000
    const first = this.#drawnMs === this.#startMs
    this.#bytesPerSecond = first ? latest : this.#bytesPerSecond + RATE_WEIGHT * (latest - this.#bytesPerSecond)
    this.#drawnBytes = this.#doneBytes
    this.#drawnMs = nowMs
    if (nowMs - this.#startMs < FIRST_DRAW_MS) return
    const state = {
      label: this.#subject.label,
      totalBytes: this.#subject.totalBytes,
      doneBytes: this.#doneBytes,
      bytesPerSecond: this.#bytesPerSecond,
      elapsedSeconds: (nowMs - this.#startMs) / 1000,
    }
    // The last column stays free: writing there makes some terminals wrap.
    const line = progressLine(state, (this.#parts.stream.columns || DEFAULT_COLUMNS) - 1)
    this.#parts.stream.write(`\r${this.#parts.colour ? coloured(line) : line}\u001b[K`)
    this.#visible = true
  }
}

/** At most `columns` wide: what matters least is left out first, then the label is cut. */
export function progressLine(state: ProgressState, columns: number): string {
  const { label, doneBytes, totalBytes, bytesPerSecond, elapsedSeconds } = state
  const share = totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, doneBytes / totalBytes)
  const percent = share === undefined ? '' : `${Math.floor(share * 100)}%`.padStart(4)
  const amount =
    totalBytes === undefined
      ? doneBytes > 0
        ? formatBytes(doneBytes)
        : ''
      : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`
  const rate = bytesPerSecond > 0 ? `${formatBytes(Math.round(bytesPerSecond))}/s` : ''
  const left =
    totalBytes === undefined
      ? formatDuration(Math.floor(elapsedSeconds))
      : bytesPerSecond > 0
        ? `${formatDuration(Math.ceil(Math.max(0, totalBytes - doneBytes) / bytesPerSecond))} left`
        : ''
  const bar = share === undefined ? '' : barOf(share, BAR_CELLS)
  for (const parts of [
    [label, bar, percent, amount, rate, left],
    [label, percent, amount, rate, left],
    [label, percent, rate, left],
    [label, percent, left],
    [percent, left],
  ]) {
    const line = parts.filter((part) => part !== '').join('  ')
    if (line.length <= columns) return line
  }
  return (percent === '' ? label : percent).slice(0, Math.max(0, columns))
}

/** `[####......]` */
export function barOf(share: number, cells: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * cells)
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]`
}

function coloured(line: string): string {
  return line.replace(/\[#+/, (bar) => `[\u001b[36m${bar.slice(1)}\u001b[39m`)
}
