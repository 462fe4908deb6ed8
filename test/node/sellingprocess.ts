// A provider in a process of its own, from the side of a test: starts it, gives it the time, asks it, kills it. Not a test.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { MiB } from '../../src/lib/units.ts'
import type { CircuitShape } from '../../src/slots/proofinputs.ts'
import { storageProofMain } from '../../wasm/circuit/templates.ts'
import { bundleChild } from '../children.ts'
import { ROOT } from '../proving/compilefortests.ts'
import { keysForTests } from '../proving/keysfortests.ts'
import type { NodeWorld, WorldNode } from './nodeworld.ts'
import { keyOf, peerAddress, QUICK_CIRCUIT, QUICK_SHAPE } from './nodeworld.ts'
import { type Pace, type PatientTime, STEP_SECONDS } from './patienttime.ts'
import type { QuietEndpoint } from './quietendpoint.ts'

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
  readonly maxWorkers?: number
  readonly provingShare?: number
  /** Where it writes what it logs. */
  readonly logFile?: string
  /** Paths. */
  readonly wasm: string
  readonly zkey: string
  readonly verificationKey: string
  /** When it begins. */
  readonly nowMs: number
  /** Made where there is none. */
  readonly offer?: { readonly totalSize: number; readonly duration: number; readonly totalCollateral: string }
}

export type SellingQuestion = { readonly ask: 'time'; readonly nowMs: number } | { readonly ask: 'look' | 'stop' }
export type SellingAnswer =
  | { readonly say: 'ready' }
  /** When that changes, and with each proof. `heard`: after what was told of the time last. */
  | { readonly say: 'pace'; readonly pace: Pace; readonly heard: boolean }
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
  /** The most memory that was seen in use by its process, threads included. */
  readonly peakRssBytes: number
}

/** What each of them sells. */
export const PROCESS_OFFER = { totalSize: 4 * MiB, duration: 2000, totalCollateral: String(10n ** 9n) }

let bundled: Promise<URL> | undefined

export class SellingProcess {
  /** Of each sale event so far. */
  readonly states: string[] = []
  readonly #child: ChildProcess
  readonly #time: PatientTime
  readonly #ended: Promise<void>
  readonly #release: () => void
  /** Time stands until it is ready, and after each step until it has heard of it. */
  #pace: Pace = 'stand'
  #isTold = false
  #isOver = false
  #looked: ((look: SellingLook) => void) | undefined
  #failure = ''

  private constructor(child: ChildProcess, time: PatientTime) {
    this.#child = child
    this.#time = time
    this.#release = time.attend({
      pace: () => (this.#isOver ? 'fast' : this.#isTold ? 'stand' : this.#pace),
      tell: (nowMs) => {
        this.#isTold = true
        this.#ask({ ask: 'time', nowMs })
      },
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

  /** Time stands still while it starts. */
  static async start(options: SellingOptions, time: PatientTime): Promise<SellingProcess> {
    bundled ??= bundleChild('sellingnode')
    const script = fileURLToPath(await bundled)
    const child = fork(script, {
      env: { ...process.env, SELLING_NODE: JSON.stringify(options) },
      silent: true,
      // As `start` has it.
      execArgv: ['--heap-growing-percent=30'],
    })
    const started = new SellingProcess(child, time)
    child.on('message', (answer: SellingAnswer) => started.#hear(answer))
    return started
  }

  /** A provider in the folder `provider` of the world, with the client as its peer, once it is ready. */
  static async inWorld(
    world: NodeWorld,
    {
      account,
      client,
      endpoint = world.endpoint,
      ...options
    }: Partial<SellingOptions> & {
      readonly account: number
      readonly client: WorldNode
      readonly endpoint?: QuietEndpoint
    },
  ): Promise<SellingProcess> {
    const { wasm, zkey, verificationKey } = await keysForTests(storageProofMain(QUICK_CIRCUIT))
    const started = await SellingProcess.start(
      {
        dataDir: `${world.folder}/provider`,
        ethProvider: endpoint.endpoint,
        marketplace: world.deployment.marketplace,
        key: keyOf(account),
        roles: ['provider'],
        bootstrap: [peerAddress(client)],
        circuitShape: QUICK_SHAPE,
        proverThreads: 1,
        quotaBytes: 16 * MiB,
        pollSeconds: STEP_SECONDS,
        ...{ wasm: ROOT + wasm, zkey: ROOT + zkey, verificationKey: ROOT + verificationKey },
        nowMs: world.time.readMs(),
        offer: PROCESS_OFFER,
        logFile: world.logs.fileOf('provider'),
        ...options,
      },
      world.time,
    )
    await world.until('ready', () => started.isRunning && started.isReady)
    return started
  }

  /** @throws Error when it ended by itself */
  get isRunning(): true {
    if (this.#isOver) throw new Error(`the provider ended by itself: ${this.#failure}`)
    return true
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

  /** In good order. Settles when the process has ended by itself, because nothing runs in it any more. @returns its exit code */
  async stop(): Promise<number | null> {
    this.#ask({ ask: 'stop' })
    await this.#ended
    return this.#child.exitCode
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
        this.#time.stir()
        this.#pace = answer.pace
        if (answer.heard) this.#isTold = false
        return
      case 'state':
        this.states.push(answer.state)
        return
      case 'look':
        this.#looked?.(answer)
    }
  }
}
