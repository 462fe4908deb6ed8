// Time for tests of whole nodes: it runs much faster than the machine's, and stands still while somebody computes, so that a test says the same on a
// busy machine. With each second of it a block is mined. Not a test.

import type { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import type { WallTime } from '../../src/lib/systemclock.ts'

/** Of its time, gone at once. */
const STEP_MS = 500
/** Of the machine's, between two steps: while nothing but time is waited for, and while data is on its way. */
const PAUSE_MS = 4
const SLOW_PAUSE_MS = 30
/** A machine that is late by so much has others to serve: then each step takes so many times that much longer. */
const LATENESS_FACTOR = 3
const MAX_PAUSE_MS = 250

/** `stand`: somebody computes. `slow`: somebody fetches or sends. */
export type Pace = 'stand' | 'slow' | 'fast'

interface Timer {
  readonly atMs: number
  readonly wake: () => void
}

export class PatientTime implements WallTime {
  readonly #rpc: JsonRpc
  readonly #timers = new Set<Timer>()
  readonly #waitedFor = new Set<() => Pace>()
  readonly #told = new Set<(nowMs: number) => void>()
  #nowMs: number
  #isRunning = true
  #isMining = true
  readonly #running: Promise<void>
  failure: unknown

  constructor(rpc: JsonRpc, startSeconds: number) {
    this.#rpc = rpc
    this.#nowMs = startSeconds * 1000
    this.#running = this.#run()
  }

  readMs(): number {
    return this.#nowMs
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, wake }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** From now on it goes no faster than `pace` says. @returns ends that */
  waitFor(pace: () => Pace): () => void {
    this.#waitedFor.add(pace)
    return () => this.#waitedFor.delete(pace)
  }

  /** For somebody in another process, who is told of each step too. @returns ends that */
  attend({ pace, tell }: { readonly pace: () => Pace; readonly tell: (nowMs: number) => void }): () => void {
    this.#waitedFor.add(pace)
    this.#told.add(tell)
    return () => {
      this.#waitedFor.delete(pace)
      this.#told.delete(tell)
    }
  }

  /** No block is mined until `false` is given. */
  holdBlocks(held: boolean): void {
    this.#isMining = !held
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#running
  }

  async #pause(ms: number): Promise<void> {
    const begin = performance.now()
    await new Promise((resolve) => setTimeout(resolve, ms))
    const lateMs = performance.now() - begin - ms
    const more = Math.min(MAX_PAUSE_MS, LATENESS_FACTOR * lateMs - ms)
    if (more > 1) await new Promise((resolve) => setTimeout(resolve, more))
  }

  async #run(): Promise<void> {
    try {
      while (this.#isRunning) {
        const paces = [...this.#waitedFor].map((pace) => pace())
        await this.#pause(paces.includes('slow') ? SLOW_PAUSE_MS : PAUSE_MS)
        if (paces.includes('stand')) continue
        const second = Math.floor(this.#nowMs / 1000)
        this.#nowMs += STEP_MS
        const now = Math.floor(this.#nowMs / 1000)
        if (now !== second && this.#isMining) await this.#rpc.call('evm_mine', [{ timestamp: now }])
        for (const tell of this.#told) tell(this.#nowMs)
        for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
          if (timer.atMs > this.#nowMs || !this.#timers.delete(timer)) continue
          timer.wake()
        }
      }
    } catch (error) {
      if (this.#isRunning) this.failure = error
    }
  }
}
