// A local EVM node: starts npm's anvil on a free port of loopback, waits until it answers, ends it. What runs on the chain is
// deploymarketplace.ts's business.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { findAnvil } from './findanvil.ts'
import { JsonRpc } from './jsonrpc.ts'
import { type Kept, spawnKept } from './keeper.ts'

/** It answers after about 0.1 s; this is for machines that are very busy. */
const START_TIMEOUT_MS = 30_000
/** Of what it says, for an error message. */
const MAX_OUTPUT_CHARACTERS = 2_000
/** Ample for the deployment of the marketplace and for fills with real proofs (marketplace reference §10). */
const BLOCK_GAS_LIMIT = 30_000_000
/**
 * Of so many latest blocks the state can be asked for, blocks and logs of all; twice what a reorganisation takes back. A state takes some
 * 400 kB of memory; without a limit older ones go to the home folder, gigabytes in an hour, and stay there when the node is killed.
 */
const STATES_KEPT = 128

export interface AnvilOptions {
  /** Default: any free one. */
  readonly port?: number
  /** Time of the genesis block; default: now. */
  readonly genesisTime?: Seconds
  /** A block each so many seconds; default: a block for each transaction, at once. */
  readonly blockSeconds?: number
  /** How many funded accounts, of anvil's public mnemonic; default 10. */
  readonly accounts?: number
  /** Default 31337. */
  readonly chainId?: number
}

/** A running node. Its accounts are unlocked: `eth_sendTransaction` needs no key. */
export interface Anvil {
  readonly port: number
  /** `http://127.0.0.1:<port>`; the same port speaks WebSocket. */
  readonly endpoint: string
  readonly websocket: string
  /** Of the EVM node itself. */
  readonly pid: number
  readonly rpc: JsonRpc
  /** Settles when the process is gone, whoever ended it. */
  readonly closed: Promise<void>
  /** The process is gone once settled; never rejects. Calls under way reject with `devnet/stopped`. */
  stop(): Promise<void>
}

/**
 * Settles when it answers.
 * @param signal ends the start, not the started node
 * @throws CodexError `devnet/no-anvil`, `devnet/anvil-failed` with what it said (say, a port in use)
 */
export async function startAnvil({ signal, ...options }: AnvilOptions & AbortOptions): Promise<Anvil> {
  signal.throwIfAborted()
  const running = new Running(spawnKept(findAnvil(), argumentsOf(options)))
  try {
    return await raceAbort(running.ready(), AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]))
  } catch (error) {
    await running.stop()
    if (signal.aborted || CodexError.is(error, 'devnet/anvil-failed')) throw error
    throw running.failure(error)
  }
}

function argumentsOf({ port, genesisTime, blockSeconds, accounts, chainId }: AnvilOptions): string[] {
  const given: readonly (readonly [flag: string, value: number | undefined])[] = [
    ['--port', port ?? 0],
    ['--timestamp', genesisTime],
    ['--block-time', blockSeconds],
    ['--accounts', accounts],
    ['--chain-id', chainId],
    ['--gas-limit', BLOCK_GAS_LIMIT],
    ['--prune-history', STATES_KEPT],
  ]
  const flags = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]))
  return ['--host', '127.0.0.1', ...flags]
}

class Running implements Anvil {
  readonly closed: Promise<void>
  readonly #kept: Kept
  readonly #ended = new AbortController()
  #output = ''
  #pid = 0
  #port = 0
  #rpc: JsonRpc | undefined
  #listening: () => void = () => undefined

  constructor(kept: Kept) {
    this.#kept = kept
    const { keeper } = kept
    keeper.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    keeper.stderr?.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        kept.killOrphan(this.#orphan())
        this.#ended.abort(new CodexError('devnet/stopped', 'the local EVM node has ended'))
        resolve()
      }
      keeper.once('exit', end).once('error', end)
    })
  }

  get port(): number {
    return this.#port
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get websocket(): string {
    return `ws://127.0.0.1:${this.#port}`
  }

  get pid(): number {
    return this.#pid
  }

  get rpc(): JsonRpc {
    this.#rpc ??= new JsonRpc(this.endpoint, { signal: this.#ended.signal })
    return this.#rpc
  }

  async ready(): Promise<this> {
    await Promise.race([
      new Promise<void>((resolve) => (this.#listening = resolve)),
      this.closed.then(() => {
        throw this.failure(undefined)
      }),
    ])
    await this.rpc.call('anvil_setLoggingEnabled', [false])
    return this
  }

  async stop(): Promise<void> {
    this.#kept.keeper.stdin?.end()
    await this.closed
  }

  failure(cause: unknown): CodexError<'devnet/anvil-failed'> {
    const said = this.#output.trim().split('\n').slice(-5).join(' / ')
    const message = `expected the local EVM node to start, found: ${said === '' ? String(cause) : said}`
    return new CodexError('devnet/anvil-failed', message, { detail: { said }, cause })
  }

  /** Until the address is known every line counts; later ones are read so that the pipe never fills. */
  #read(text: string): void {
    if (this.#port !== 0) return
    this.#output = `${this.#output}${text}`.slice(-MAX_OUTPUT_CHARACTERS)
    if (this.#pid === 0) this.#pid = Number(/^(\d+)\n/.exec(this.#output)?.[1] ?? 0)
    const port = /Listening on [\d.]+:(\d+)\s/.exec(this.#output)?.[1]
    if (port === undefined) return
    this.#port = Number(port)
    this.#listening()
  }

  /** The child, when a signal ended its keeper and it had no chance to end the child. */
  #orphan(): number {
    return this.#kept.keeper.signalCode === null ? 0 : this.#pid
  }
}
