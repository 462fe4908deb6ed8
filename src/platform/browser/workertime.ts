// Timers that a hidden page keeps: browsers wake timers of its main thread once a minute at most, those of a dedicated worker on time. It tells no other time than
// the machine's.

import type { WallTime } from '../../lib/systemclock.ts'
import type { TimerOrder } from './timerorder.ts'
import { TrustedWorker } from './trustedworker.ts'

/** What is asked of a Worker here. */
export interface TimerLine {
  postMessage(order: TimerOrder): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  terminate(): void
}

interface Waiting {
  readonly wake: () => void
  readonly dueMs: number
  /** Set where the worker is gone. */
  timer?: ReturnType<typeof setTimeout>
}

export class WorkerTime implements WallTime {
  readonly #start: () => TimerLine
  readonly #waiting = new Map<number, Waiting>()
  #latest = 0
  /** Undefined where workers do not work: the page's own timers are better than none. */
  #line: TimerLine | undefined
  /** The worker of now has woken somebody. */
  #hasWoken = false

  constructor(start: () => TimerLine = () => startTimerWorker(TrustedWorker)) {
    this.#start = start
    this.#line = this.#begin()
  }

  readMs(): number {
    return Date.now()
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const id = ++this.#latest
    const waiting: Waiting = { wake, dueMs: performance.now() + delayMs }
    this.#waiting.set(id, waiting)
    this.#set(id, waiting, delayMs)
    return () => {
      if (!this.#waiting.delete(id)) return
      if (waiting.timer !== undefined) clearTimeout(waiting.timer)
      else this.#line?.postMessage({ clear: id })
    }
  }

  /** The worker is gone, and wakes nobody any more. */
  close(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    this.#line?.terminate()
  }

  #begin(): TimerLine {
    const line = this.#start()
    line.addEventListener('message', ({ data }) => {
      this.#hasWoken = true
      this.#wake(Number(data))
    })
    line.addEventListener('error', () => this.#replace(line))
    return line
  }

  /** One that failed has another in its place, unless it never woke anybody: then the next would not either. */
  #replace(line: TimerLine): void {
    if (line !== this.#line) return
    line.terminate()
    this.#line = this.#hasWoken ? this.#begin() : undefined
    this.#hasWoken = false
    const now = performance.now()
    for (const [id, waiting] of this.#waiting) this.#set(id, waiting, Math.max(0, waiting.dueMs - now))
  }

  #set(id: number, waiting: Waiting, delayMs: number): void {
    if (this.#line === undefined) waiting.timer = setTimeout(() => this.#wake(id), delayMs)
    else this.#line.postMessage({ set: id, delayMs })
  }

  #wake(id: number): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.wake()
  }
}

/** Its parameter keeps that name in builds of the package, by which the bundlers of those who use it find the script. */
function startTimerWorker(Worker: typeof TrustedWorker): TrustedWorker {
  return new Worker(new URL('./timerworker.ts', import.meta.url), { type: 'module' })
}
