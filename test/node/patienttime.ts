// Time for tests of whole nodes: it runs much faster than the machine's, and stands still while somebody computes or asks the chain something, so that a test
// says the same on a busy machine. With each step of it a block is mined. Not a test.

import type { JsonRpc } from '../../src/devnet/jsonrpc.ts'
import type { WallTime } from '../../src/lib/systemclock.ts'
import type { Seconds } from '../../src/lib/units.ts'
import type { QuietEndpoint } from './quietendpoint.ts'

/** Of its time, gone at once; blocks lie so far apart. */
export const STEP_SECONDS: Seconds = 2
/** Of the machine's: nobody asked the chain anything for so long before a step; while data is on its way between peers, for longer. */
const PAUSE_MS = 4
const SLOW_PAUSE_MS = 30
/** A machine that is late by so much has others to serve: then each step takes so many times that much longer. */
const LATENESS_FACTOR = 3
const MAX_PAUSE_MS = 250
/** Of the machine's: what stands still for so long has come to its end. */
const STUCK_MS = 180_000

/** `stand`: somebody computes, or starts. `slow`: somebody fetches. */
export type Pace = 'stand' | 'slow' | 'fast'

interface Timer {
  readonly atMs: number
  readonly wake: () => void
}

export class PatientTime implements WallTime {
  readonly #rpc: JsonRpc
  readonly #timers = new Set<Timer>()
  readonly #endpoints = new Set<QuietEndpoint>()
  readonly #waitedFor = new Set<() => Pace>()
  readonly #told = new Set<(nowMs: number) => void>()
  #nowMs: number
  #isRunning = true
  /** Of the machine's time. */
  #stirredAt = performance.now()
  readonly #running: Promise<void>
  failure: unknown
  /** Longer where so much is fetched at once that it would come too slowly. */
  slowPauseMs = SLOW_PAUSE_MS

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

  /** From now on it stands still while somebody asks there. */
  watch(endpoint: QuietEndpoint): void {
    this.#endpoints.add(endpoint)
  }

  /** From now on it goes no faster than `pace` says. @returns ends that */
  waitFor(pace: () => Pace): () => void {
    const own = (): Pace => pace()
    this.#waitedFor.add(own)
    return () => this.#waitedFor.delete(own)
  }

  /** Stands still while `work` is done: nothing in that can wait for time. */
  async holdDuring<T>(work: () => Promise<T>): Promise<T> {
    const release = this.waitFor(() => 'stand')
    try {
      return await work()
    } finally {
      release()
    }
  }

  /** For somebody in another process, who is told of each step too. @returns ends that */
  attend({ pace, tell }: { readonly pace: () => Pace; readonly tell: (nowMs: number) => void }): () => void {
    const release = this.waitFor(pace)
    this.#told.add(tell)
    return () => {
      release()
      this.#told.delete(tell)
    }
  }

  /** What it waits for goes on. */
  stir(): void {
    this.#stirredAt = performance.now()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (this.#isRunning) {
        if (await this.#mayGoOn()) await this.#step()
        else if (performance.now() - this.#stirredAt > STUCK_MS)
          throw new Error(`time stands still: paces ${this.#paces().join(', ')}, ${this.#open()} exchanges are open`)
      }
    } catch (error) {
      if (this.#isRunning) this.failure = error
    }
  }

  /** Settles after a pause: whether nobody asked the chain anything meanwhile, and nobody stands. */
  async #mayGoOn(): Promise<boolean> {
    const asked = this.#asked()
    await pause(this.#paces().includes('slow') ? this.slowPauseMs : PAUSE_MS)
    return this.#isRunning && asked === this.#asked() && this.#open() === 0 && !this.#paces().includes('stand')
  }

  async #step(): Promise<void> {
    this.stir()
    this.#nowMs += STEP_SECONDS * 1000
    await this.#rpc.call('evm_mine', [{ timestamp: Math.floor(this.#nowMs / 1000) }])
    for (const tell of this.#told) tell(this.#nowMs)
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > this.#nowMs || !this.#timers.delete(timer)) continue
      timer.wake()
    }
  }

  #asked(): number {
    return [...this.#endpoints].reduce((sum, { asked }) => sum + asked, 0)
  }

  #open(): number {
    return [...this.#endpoints].reduce((sum, { open }) => sum + open, 0)
  }

  #paces(): Pace[] {
    return [...this.#waitedFor].map((pace) => pace())
  }
}

async function pause(ms: number): Promise<void> {
  const begin = performance.now()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const lateMs = performance.now() - begin - ms
  const more = Math.min(MAX_PAUSE_MS, LATENESS_FACTOR * lateMs - ms)
  if (more > 1) await new Promise((resolve) => setTimeout(resolve, more))
}
