// Time for tests of whole nodes: it runs much faster than the machine's, and stands still while somebody computes, so that a test says the same on a
// busy machine. With each second of it a block is mined. Not a test.

import type { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import type { WallTime } from '../../src/lib/systemclock.ts'

/** Of its time, gone at once. */
const STEP_MS = 250
/** Of the machine's, between two steps. */
const PAUSE_MS = 8

interface Timer {
  readonly atMs: number
  readonly wake: () => void
}

export class PatientTime implements WallTime {
  readonly #rpc: JsonRpc
  readonly #timers = new Set<Timer>()
  readonly #waitedFor = new Set<() => boolean>()
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

  /** From now on it stands still while `isBusy` says so. @returns ends that */
  waitFor(isBusy: () => boolean): () => void {
    this.#waitedFor.add(isBusy)
    return () => this.#waitedFor.delete(isBusy)
  }

  /** For somebody in another process: time stands still while it is busy, and it is told of each step. @returns ends that */
  attend({ isBusy, tell }: { readonly isBusy: () => boolean; readonly tell: (nowMs: number) => void }): () => void {
    this.#waitedFor.add(isBusy)
    this.#told.add(tell)
    return () => {
      this.#waitedFor.delete(isBusy)
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

  async #run(): Promise<void> {
    try {
      while (this.#isRunning) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        if ([...this.#waitedFor].some((isBusy) => isBusy())) continue
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
