// The way to the chain, made ready: one endpoint, its newest block watched, the marketplace found at its address. Reads and writes are others'.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { redactText } from '../lib/redact.ts'
import type { Seconds } from '../lib/units.ts'
import { hasWrongChecksum } from '../protocol/addresschecksum.ts'
import { blockInterval } from './blockinterval.ts'
import { ChainClock } from './chainclock.ts'
import { HeadWatch, maxUnheardSeconds } from './headwatch.ts'
import type { EndpointStatus } from './market.ts'
import { marketplaceAddress } from './marketplaceaddress.ts'
import { RpcClient, type RpcSettings } from './rpcclient.ts'
import type { RpcLines } from './rpclines.ts'
import { readAddress, readData } from './rpcvalues.ts'
import { rpcWire } from './rpcwire.ts'

export interface ConnectionParts {
  readonly lines: RpcLines
  readonly clock: Clock
  readonly log: Log
  /** Hears, while the way is made ready, why it is not yet. */
  readonly waits?: ((problem: string) => void) | undefined
}

export interface ConnectionSettings extends RpcSettings {
  /** `http:`, `https:`, `ws:` or `wss:`. */
  readonly url: string
  /** Refuse any other chain. Silent: the chain found first. */
  readonly chainId?: number
  /** Silent: the known address on this chain. */
  readonly marketplace?: string
  /** Time between two looks at the newest block. */
  readonly pollSeconds?: Seconds
  /** How often each step of connecting is tried at the start. Silent: until it succeeds. */
  readonly connectAttempts?: number
}

/** A local node answers at once and mines each second; others count requests. */
const LOCAL_POLL_SECONDS: Seconds = 1
const POLL_SECONDS: Seconds = 4
const MAX_PAUSE_SECONDS: Seconds = 30
const MAX_SYNC_PAUSE_SECONDS: Seconds = 10
/** The newest block of an endpoint in step is no older than this, or than so many times as long as blocks take. */
const FRESH_SECONDS: Seconds = 60
const FRESH_INTERVALS = 5
/** A passing fault, or the contract is none of ours: after so many tries it is the latter. */
const BAD_ANSWER_TRIES = 5
/** What may be over at the next try. */
const PASSING = ['market/unreachable', 'market/rate-limited', 'market/rpc-error', 'market/bad-answer']

export class Connection {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly chainClock: ChainClock
  readonly #parts: ConnectionParts
  readonly #settings: ConnectionSettings

  /** Speaks to nobody yet. @throws CodexError `market/bad-endpoint` */
  constructor(parts: ConnectionParts, settings: ConnectionSettings) {
    const { clock, log } = parts
    const url = checkedUrl(settings.url)
    this.#parts = parts
    this.#settings = settings
    const wire = rpcWire(url.href, parts.lines, () => this.heads.hint())
    this.rpc = new RpcClient({ wire, clock, log }, settings)
    const isLocal = /^(localhost|127\.|\[::1\])/.test(url.hostname)
    const pollSeconds = settings.pollSeconds ?? (isLocal ? LOCAL_POLL_SECONDS : POLL_SECONDS)
    this.chainClock = new ChainClock({ wall: clock, log, maxUnheardSeconds: maxUnheardSeconds(pollSeconds) })
    this.heads = new HeadWatch(
      { rpc: this.rpc, clock, chainClock: this.chainClock, log },
      { chainId: settings.chainId, pollSeconds },
    )
  }

  /**
   * Settles once the endpoint answers, is in step with its chain, and has code at the marketplace's address, which it returns.
   * @throws CodexError `market/wrong-chain`, `market/no-contract`, `market/bad-answer` and, after the attempts set, what {@link RpcClient.call} does; or the
   * signal's reason
   */
  async open(options: AbortOptions): Promise<string> {
    await this.persist(() => this.heads.start(options), options)
    await this.persist(() => this.#waitForSync(options), options)
    const { chainId } = this.heads
    const address = this.#settings.marketplace ?? marketplaceAddress(chainId)
    if (address === undefined) throw noContract(`no marketplace is known on chain ${chainId}; set its address`)
    const marketplace = checkedAddress(address)
    const code = await this.persist(
      async () => readData(await this.rpc.call('eth_getCode', [marketplace, 'latest'], options), 'code'),
      options,
    )
    if (code === '0x') throw noContract(`chain ${chainId} has no contract at ${marketplace}; correct the address`)
    return marketplace
  }

  /** What `work` gives: what may pass is tried again, as often as the settings say. */
  async persist<T>(work: () => Promise<T>, options: AbortOptions): Promise<T> {
    const { clock, log, waits } = this.#parts
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        options.signal.throwIfAborted()
        if (!mayPass(error, attempt) || attempt === this.#settings.connectAttempts) throw error
        log.info('the endpoint is not ready for us yet; trying again', { error })
        waits?.(error instanceof Error ? redactText(error.message) : 'the endpoint is not ready for us')
        await clock.until(clock.now() + Math.min(2 ** attempt, MAX_PAUSE_SECONDS), options)
      }
    }
  }

  status(): EndpointStatus {
    const { frozen, wrongChain } = this.heads
    if (wrongChain !== undefined) return { state: 'wrong chain', since: wrongChain.since, problem: wrongChain.problem }
    const { problem } = this.rpc
    if (problem !== undefined)
      return { state: 'unreachable', since: problem.since, problem: redactText(problem.error.message) }
    if (frozen !== undefined) return { state: 'unreachable', ...frozen }
    return { state: 'connected', drift: this.chainClock.wideDrift }
  }

  async close(): Promise<void> {
    await this.heads.stop()
    this.rpc.close()
  }

  /** A node that is still catching up answers from the past. */
  async #waitForSync(options: AbortOptions): Promise<void> {
    const { clock, log, waits } = this.#parts
    for (let pause = 1; ; pause = Math.min(2 * pause, MAX_SYNC_PAUSE_SECONDS)) {
      const [answer] = await this.rpc.callMany([{ method: 'eth_syncing', params: [] }], options)
      if (answer?.ok === false && answer.error.code !== 'market/rpc-error') throw answer.error
      // Not every endpoint knows the question, and some say yes while they fetch or sort what is old.
      if (answer?.ok !== true || answer.result === false || (await this.#isInStep(options))) return
      if (pause === 1) log.info('the endpoint is catching up with its chain; waiting for it')
      waits?.('the endpoint is catching up with its chain')
      await clock.until(clock.now() + pause, options)
    }
  }

  /** Whether its newest block is of now. */
  async #isInStep(options: AbortOptions): Promise<boolean> {
    const { timestamp } = await this.heads.look(options)
    const interval = await blockInterval(this, options)
    return this.#parts.clock.now() - timestamp <= Math.max(FRESH_SECONDS, FRESH_INTERVALS * interval)
  }
}

function mayPass(error: unknown, attempt: number): boolean {
  if (!CodexError.is(error) || !PASSING.includes(error.code)) return false
  return error.code !== 'market/bad-answer' || attempt < BAD_ANSWER_TRIES
}

/** In lower case. @throws CodexError `market/bad-address`, for one whose capital letters are no checksum of it too */
export function checkedAddress(text: string): string {
  const found = text.slice(0, 80)
  try {
    const address = readAddress(text.trim(), 'an address')
    if (!hasWrongChecksum(text.trim())) return address
  } catch {
    const message = `expected an address of 0x and 40 hex digits, found ${JSON.stringify(found)}`
    throw new CodexError('market/bad-address', message, { detail: { found } })
  }
  throw new CodexError(
    'market/bad-address',
    `the checksum of the address ${found} is wrong: one of its characters was mistyped; copy it anew`,
    { detail: { found } },
  )
}

/** @param given whatever a caller without types gave */
function checkedUrl(given: unknown): URL {
  const text = typeof given === 'string' ? given : ''
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^(https?|wss?):$/.test(url.protocol) && url.username === '' && url.password === '')
    return url
  const message = `expected an endpoint such as http://host:8545 or wss://host/path, without user and password, found ${JSON.stringify(redactText(text.slice(0, 80)))}`
  throw new CodexError('market/bad-endpoint', message)
}

function noContract(why: string): CodexError<'market/no-contract'> {
  return new CodexError('market/no-contract', why)
}
