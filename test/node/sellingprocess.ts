// A provider in a process of its own, from the side of a test: starts it, gives it the time, asks it, kills it. Not a test.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CircuitShape } from '../../src/slots/proofinputs.ts'
import { bundleChild } from '../children.ts'
import type { Pace, PatientTime } from './patienttime.ts'

export interface SellingOptions {
  readonly dataDir: string
  readonly ethProvider: string
  readonly marketplace: string
  readonly key: string
  readonly roles: readonly ['provider']
  readonly bootstrap: readonly string[]
  readonly circuitShape: CircuitShape
  readonly proverThreads: number
  readonly quotaBytes: number
  readonly pollSeconds: number
  /** Paths. */
  readonly wasm: string
  readonly zkey: string
  readonly verificationKey: string
  /** When it begins. */
  readonly nowMs: number
  /** Made where there is none. */
  readonly offer?: { readonly totalSize: number; readonly duration: number; readonly totalCollateral: string }
}

export type SellingQuestion = { readonly ask: 'time'; readonly nowMs: number } | { readonly ask: 'look' }
export type SellingAnswer =
  | { readonly say: 'ready' }
  | { readonly say: 'pace'; readonly pace: Pace }
  | { readonly say: 'state'; readonly state: string; readonly slotIndex: number }
  | SellingLook

/** What it has, as it says. */
export interface SellingLook {
  readonly say: 'look'
  readonly waiting: number
  readonly problems: readonly string[]
  readonly reservations: number
  readonly sales: number
  readonly usedBytes: number
  readonly freeBytes: number
  readonly remainingCollateral: string
  readonly reward: string
}

let bundled: Promise<URL> | undefined

export class SellingProcess {
  /** Of each sale event so far. */
  readonly states: string[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #release: () => void
  #pace: Pace = 'slow'
  #isOver = false
  #looked: ((look: SellingLook) => void) | undefined
  #failure = ''

  private constructor(child: ChildProcess, time: PatientTime) {
    this.#child = child
    this.#release = time.attend({
      pace: () => (this.#isOver ? 'fast' : this.#pace),
      tell: (nowMs) => this.#ask({ ask: 'time', nowMs }),
    })
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.#failure = `${this.#failure}${text}`.slice(-2000)))
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        this.#isOver = true
        this.#release()
        resolve()
      })
    })
  }

  /** Time goes on slowly while it starts. */
  static async start(options: SellingOptions, time: PatientTime): Promise<SellingProcess> {
    bundled ??= bundleChild('sellingnode')
    const script = fileURLToPath(await bundled)
    const child = fork(script, {
      env: { ...process.env, SELLING_NODE: JSON.stringify(options) },
      silent: true,
      execArgv: [],
    })
    const started = new SellingProcess(child, time)
    child.on('message', (answer: SellingAnswer) => started.#hear(answer))
    return started
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What it said of its end, if it ended by itself. */
  get failure(): string {
    return this.#failure
  }

  #isReady = false
  get isReady(): boolean {
    return this.#isReady
  }

  async look(): Promise<SellingLook> {
    const look = new Promise<SellingLook>((resolve) => (this.#looked = resolve))
    this.#ask({ ask: 'look' })
    return Promise.race([
      look,
      this.#ended.then(() => {
        throw new Error(`the provider ended: ${this.#failure}`)
      }),
    ])
  }

  /** At once, with nothing put away. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #ask(question: SellingQuestion): void {
    if (!this.#isOver && this.#child.connected) this.#child.send(question, () => undefined)
  }

  #hear(answer: SellingAnswer): void {
    switch (answer.say) {
      case 'ready':
        this.#isReady = true
        return
      case 'pace':
        this.#pace = answer.pace
        return
      case 'state':
        this.states.push(answer.state)
        return
      case 'look':
        this.#looked?.(answer)
    }
  }
}
