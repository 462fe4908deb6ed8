// JSON-RPC to one endpoint: calls made at the same moment travel together, failures are tried again for a while, and how the endpoint is
// doing is told. What the answers mean is not known here.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { redactText } from '../lib/redact.ts'
import type { Seconds } from '../lib/units.ts'
import { batchRefused, rateLimited, type RpcRequest, type RpcWire } from './rpcwire.ts'
import { isLagging, isRateLimit, type RpcError, rpcError } from './rpcerror.ts'

export interface RpcCall {
  readonly method: string
  readonly params: readonly unknown[]
}

export type RpcAnswer =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly error: CodexError }

export interface RpcParts {
  readonly wire: RpcWire
  readonly clock: Clock
  readonly log: Log
}

export interface RpcSettings {
  /** How long one exchange may take. */
  readonly timeoutSeconds?: Seconds
  /** Most calls in one request. Halved, and remembered, when the endpoint refuses. */
  readonly batchCalls?: number
  /** How often an exchange is tried before its calls fail. A transaction is sent once, unless the endpoint says that it did not take it. */
  readonly attempts?: number
}

export const DEFAULT_TIMEOUT_SECONDS: Seconds = 20
export const DEFAULT_BATCH_CALLS = 500
export const DEFAULT_ATTEMPTS = 4
/** Requests under way at once. */
export const MAX_OPEN_REQUESTS = 8
/** Calls that wait for their turn; more are refused. */
export const MAX_WAITING_CALLS = 100_000
/** Longest pause between two attempts. */
export const MAX_BACKOFF_SECONDS: Seconds = 30
/** Of them, those that what can wait leaves to the rest. */
const KEPT_FREE_REQUESTS = 2
/** While the endpoint counts calls: requests at once, and the time from one to the next. */
const PACED_REQUESTS = 2
const PACE_SECONDS: Seconds = 1
/** Its first guess of how many calls are granted at once is half of what was refused, and at least half of this. */
const LEAST_REFUSED_CALLS = 16
/** One that refuses fewer refuses whatever it is asked, for a while. */
const LEAST_PACED_CALLS = 4
/** Requests without a refusal until more calls are tried at once; twice as many each time that these are refused. */
const GROW_AFTER_REQUESTS = 32
const MAX_GROW_AFTER_REQUESTS = 512
/** Promise steps that calls of one moment have to gather in. */
const GATHER_TURNS = 4

export interface CallOptions extends AbortOptions {
  /** It goes behind all that is not: history, of which no money depends. */
  readonly isLater?: boolean
}

interface Job extends RpcCall {
  readonly signal: AbortSignal
  readonly isLater: boolean
  /** Attempts that failed. */
  tried: number
  readonly settle: (answer: RpcAnswer) => void
}

export class RpcClient {
  readonly #wire: RpcWire
  readonly #clock: Clock
  readonly #log: Log
  readonly #timeoutSeconds: Seconds
  readonly #attempts: number
  readonly #closing = new AbortController()
  #batchCalls: number
  /** Groups that travel together where they fit. */
  readonly #groups: Job[][] = []
  /** Of calls that can wait. */
  readonly #later: Job[][] = []
  /** Calls that the endpoint grants at once, as far as its refusals tell; `Infinity` while it does not count them. */
  #pacedCalls = Infinity
  #pacedAt: Seconds = -Infinity
  #unrefused = 0
  #growAfter = GROW_AFTER_REQUESTS
  #hasGrown = false
  #waiting = 0
  #open = 0
  #isGathering = false
  #nextId = 1
  #restUntil: Seconds = -Infinity
  #requests = 0
  #problem: { readonly since: Seconds; readonly error: CodexError } | undefined

  constructor({ wire, clock, log }: RpcParts, settings: RpcSettings = {}) {
    this.#wire = wire
    this.#clock = clock
    this.#log = log
    this.#timeoutSeconds = settings.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS
    this.#batchCalls = settings.batchCalls ?? DEFAULT_BATCH_CALLS
    this.#attempts = settings.attempts ?? DEFAULT_ATTEMPTS
  }

  /** Messages sent so far, attempts included. */
  get requests(): number {
    return this.#requests
  }

  /** Since when and why the endpoint gives no usable answers; undefined while it does. */
  get problem(): { readonly since: Seconds; readonly error: CodexError } | undefined {
    return this.#problem
  }

  /**
   * @throws CodexError `market/unreachable`, `market/rate-limited`, `market/rpc-error`, `market/batch-refused` (of a call alone), `market/answer-too-long`,
   * `market/stopped`; or the signal's reason
   */
  async call(method: string, params: readonly unknown[], options: CallOptions): Promise<unknown> {
    const [answer] = await this.callMany([{ method, params }], options)
    return resultOf(answer)
  }

  /** One answer per call, in order. The calls travel in one message if the endpoint takes that many. Rejects only with the signal's reason. */
  async callMany(calls: readonly RpcCall[], { signal, isLater = false }: CallOptions): Promise<RpcAnswer[]> {
    signal.throwIfAborted()
    if (calls.length === 0) return []
    if (this.#closing.signal.aborted || this.#waiting + calls.length > MAX_WAITING_CALLS)
      return calls.map(() => ({ ok: false, error: this.#closing.signal.aborted ? stopped() : tooMany() }))
    const answers = calls.map(
      (call, index) =>
        new Promise<RpcAnswer>((settle) => this.#push({ ...call, signal, isLater, tried: 0, settle }, index === 0)),
    )
    this.#gather()
    return raceAbort(Promise.all(answers), signal)
  }

  /** Everything under way fails with `market/stopped`; nothing is left once the promises handed out have settled. */
  close(): void {
    this.#closing.abort(stopped())
    for (const job of [...this.#groups.splice(0), ...this.#later.splice(0)].flat())
      job.settle({ ok: false, error: stopped() })
    this.#waiting = 0
    this.#wire.hangUp()
  }

  #push(job: Job, isFirst: boolean): void {
    this.#waiting++
    const groups = job.isLater ? this.#later : this.#groups
    const last = groups.at(-1)
    if (isFirst || last === undefined) groups.push([job])
    else last.push(job)
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    void (async () => {
      for (let turn = 0; turn < GATHER_TURNS; turn++) await Promise.resolve()
      this.#isGathering = false
      this.#flush()
    })()
  }

  #flush(): void {
    for (let jobs = this.#takeBatch(); jobs.length > 0; jobs = this.#takeBatch()) {
      this.#waiting -= jobs.length
      this.#open++
      void this.#deliver(jobs).then(() => {
        this.#open--
        this.#flush()
      })
    }
  }

  get #isPaced(): boolean {
    return this.#pacedCalls !== Infinity
  }

  #takeBatch(): Job[] {
    const batch: Job[] = []
    if (this.#open < (this.#isPaced ? PACED_REQUESTS : MAX_OPEN_REQUESTS)) this.#takeFrom(this.#groups, batch)
    // Where calls are counted, what cannot wait must not be refused for what can.
    const mayTakeLater = this.#isPaced
      ? batch.length === 0 && this.#open === 0
      : this.#open < MAX_OPEN_REQUESTS - KEPT_FREE_REQUESTS
    if (mayTakeLater) this.#takeFrom(this.#later, batch)
    return batch
  }

  /** As many whole groups as fit; of a group too large for any message, its first part. */
  #takeFrom(groups: Job[][], batch: Job[]): void {
    const calls = Math.min(this.#batchCalls, this.#pacedCalls)
    for (let group = groups[0]; group !== undefined; group = groups[0]) {
      if (batch.length + group.length <= calls) batch.push(...(groups.shift() as Job[]))
      else {
        if (batch.length === 0) batch.push(...group.splice(0, calls))
        return
      }
    }
  }

  /** Settles every job, or has it wait for its turn once more. Never rejects. */
  async #deliver(jobs: readonly Job[]): Promise<void> {
    let left = jobs
    for (;;) {
      left = left.filter(({ signal, settle }) => {
        // Nobody waits any more: `raceAbort` has answered.
        if (signal.aborted) settle({ ok: false, error: stopped() })
        return !signal.aborted
      })
      if (left.length === 0) return
      await this.#turn()
      // It has learned to ask for less meanwhile.
      if (left.length > this.#pacedCalls) return this.#putBack(left)
      const failure = await this.#attempt(left)
      if (failure === undefined) return
      const { error } = failure
      if (left.length > 1 && isTooManyCalls(error)) return this.#halve(repeatable(left, error), error)
      for (const job of failure.left) job.tried++
      const attempt = Math.max(...failure.left.map(({ tried }) => tried))
      left = failure.left.filter((job) => {
        const goesOn = job.tried < this.#attempts && !isFinal(error) && isRepeatable(job, error)
        if (!goesOn) job.settle({ ok: false, error })
        return goesOn
      })
      if (left.length === 0) return
      await this.#rest(attempt, error)
      if (this.#isPaced) return this.#putBack(left)
    }
  }

  /** In front of the others, in messages as large as is granted now. */
  #putBack(jobs: readonly Job[]): void {
    this.#waiting += jobs.length
    for (const isLater of [false, true]) {
      const own = jobs.filter((job) => job.isLater === isLater)
      if (own.length > 0) (isLater ? this.#later : this.#groups).unshift(own)
    }
    // Closed meanwhile, nobody takes them any more.
    if (this.#closing.signal.aborted) this.close()
  }

  /** Settles what was answered; returns what has to be tried again, and why. */
  async #attempt(jobs: readonly Job[]): Promise<{ left: readonly Job[]; error: CodexError } | undefined> {
    const sentAt = this.#clock.now()
    try {
      const answers = await this.#exchange(jobs)
      this.#reached()
      const again: Job[] = []
      let error: CodexError | undefined
      for (const [index, job] of jobs.entries()) {
        const answer = answers[index] as RpcAnswer
        if (answer.ok || !isPassing(answer.error) || !isRepeatable(job, answer.error)) job.settle(answer)
        else {
          again.push(job)
          error = answer.error
        }
      }
      if (error?.code === 'market/rate-limited') this.#pace(again, jobs.length, sentAt)
      else this.#unpace()
      return error === undefined ? undefined : { left: again, error }
    } catch (error) {
      const problem = CodexError.is(error) ? error : unusable('an unreadable answer', error)
      if (problem.code === 'market/rate-limited') this.#pace(jobs, jobs.length, sentAt)
      if (problem.code !== 'market/batch-refused' && !isFinal(problem)) this.#failed(problem)
      return { left: jobs, error: problem }
    }
  }

  /** Where calls are counted, one message comes some time after the other. */
  async #turn(): Promise<void> {
    const at = Math.max(this.#clock.now(), this.#restUntil)
    if (this.#isPaced) this.#restUntil = at + PACE_SECONDS
    // Closed meanwhile, nothing is sent: the exchange says so.
    await this.#clock.until(at, this.#closing).catch(() => undefined)
  }

  /**
   * A message of `calls` was refused for the rate: what is refused once more is too much at once, whenever it is sent. Messages that went out before
   * that was known say nothing new.
   */
  #pace(refused: readonly Job[], calls: number, sentAt: Seconds): void {
    const isFirst = !this.#isPaced && refused.every(({ tried }) => tried === 0)
    if (isFirst || sentAt <= this.#pacedAt) return
    if (this.#hasGrown) this.#growAfter = Math.min(2 * this.#growAfter, MAX_GROW_AFTER_REQUESTS)
    this.#hasGrown = false
    const most = Math.min(this.#pacedCalls, Math.max(calls, LEAST_REFUSED_CALLS))
    this.#pacedCalls = Math.max(LEAST_PACED_CALLS, Math.floor(most / 2))
    this.#pacedAt = this.#clock.now()
    this.#unrefused = 0
    this.#log.info('the endpoint counts calls; asking for less at once', { calls: this.#pacedCalls })
  }

  #unpace(): void {
    if (!this.#isPaced || ++this.#unrefused < this.#growAfter) return
    this.#unrefused = 0
    this.#hasGrown = true
    this.#pacedCalls = 2 * this.#pacedCalls < this.#batchCalls ? 2 * this.#pacedCalls : Infinity
  }

  async #halve(jobs: readonly Job[], { code }: CodexError): Promise<void> {
    const half = Math.ceil(jobs.length / 2)
    // An answer is too long by what was asked, not by how many calls there were.
    if (code === 'market/batch-refused') this.#batchCalls = Math.min(this.#batchCalls, half)
    await this.#deliver(jobs.slice(0, half))
    await this.#deliver(jobs.slice(half))
  }

  async #exchange(jobs: readonly Job[]): Promise<RpcAnswer[]> {
    const requests = jobs.map(({ method, params }): RpcRequest => ({
      jsonrpc: '2.0',
      id: this.#nextId++,
      method,
      params,
    }))
    this.#requests++
    const answer = await this.#inTime((signal) => this.#wire.exchange(requests, { signal }))
    return matched(requests, answer)
  }

  async #inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const close = () => controller.abort(this.#closing.signal.reason)
    this.#closing.signal.addEventListener('abort', close, { once: true })
    const timer = new AbortController()
    const deadline = this.#clock.now() + this.#timeoutSeconds
    void this.#clock.until(deadline, timer).then(
      () => controller.abort(unusable(`no answer within ${this.#timeoutSeconds} seconds`)),
      () => undefined,
    )
    try {
      this.#closing.signal.throwIfAborted()
      return await work(controller.signal)
    } finally {
      timer.abort()
      this.#closing.signal.removeEventListener('abort', close)
    }
  }

  async #rest(attempt: number, error: CodexError): Promise<void> {
    const asked = error.code === 'market/rate-limited' ? Number(error.detail['waitSeconds'] ?? 0) : 0
    const pause = Math.max(asked, Math.min(2 ** (attempt - 1), MAX_BACKOFF_SECONDS))
    // When it is the rate, all calls have to wait, or none gets through.
    if (error.code === 'market/rate-limited') this.#restUntil = Math.max(this.#restUntil, this.#clock.now() + pause)
    await this.#clock.until(this.#clock.now() + pause, this.#closing).catch(() => undefined)
  }

  #reached(): void {
    if (this.#problem === undefined) return
    const forSeconds = this.#clock.now() - this.#problem.since
    this.#problem = undefined
    this.#log.info('the endpoint answers again', { forSeconds })
  }

  #failed(error: CodexError): void {
    if (this.#problem === undefined) {
      this.#log.warn('the endpoint gives no usable answer; trying again until it does', {
        code: error.code,
        reason: redactText(error.message),
      })
    }
    this.#problem = { since: this.#problem?.since ?? this.#clock.now(), error }
  }
}

/** @throws what the answer says went wrong */
export function resultOf(answer: RpcAnswer | undefined): unknown {
  if (answer?.ok === true) return answer.result
  throw answer?.error ?? unusable('no answer')
}

/** Every request gets its answer by id, in whatever order they came. */
function matched(requests: readonly RpcRequest[], answer: unknown): RpcAnswer[] {
  if (!Array.isArray(answer)) {
    if (requests.length === 1) return [answerOf(requests[0] as RpcRequest, answer)]
    const error = rpcError('a batch', (Object(answer) as { error?: unknown }).error)
    throw isRateLimit(error) ? rateLimited() : batchRefused(error.detail.said)
  }
  const byId = new Map<unknown, unknown>()
  for (const one of answer as unknown[]) byId.set((Object(one) as { id?: unknown }).id, one)
  return requests.map((request) => answerOf(request, byId.get(request.id)))
}

function answerOf({ method, id }: RpcRequest, answer: unknown): RpcAnswer {
  if (typeof answer !== 'object' || answer === null) return { ok: false, error: unusable(`no answer to ${method}`) }
  const { error, result, id: found } = answer as { error?: unknown; result?: unknown; id?: unknown }
  if (error !== undefined && error !== null) return { ok: false, error: refusalOf(method, error) }
  if (found !== id) return { ok: false, error: unusable(`an answer to something else than ${method}`) }
  return result === undefined ? { ok: false, error: unusable(`no result of ${method}`) } : { ok: true, result }
}

function refusalOf(method: string, refused: unknown): CodexError {
  const error = rpcError(method, refused)
  return isRateLimit(error) ? rateLimited() : error
}

/** Whether another attempt may well get an answer. */
function isPassing(error: CodexError): boolean {
  return error.code !== 'market/rpc-error' || isLagging(error as RpcError)
}

/** Whether the same calls in two messages may get an answer. */
function isTooManyCalls({ code }: CodexError): boolean {
  return code === 'market/batch-refused' || code === 'market/answer-too-long'
}

/**
 * Where no answer came, a transaction may have been taken, and what is said to a second copy tells nothing of the first: then it is only sent again
 * by who knows that.
 */
function isRepeatable({ method }: RpcCall, { code }: CodexError): boolean {
  return method !== 'eth_sendRawTransaction' || code === 'market/rate-limited' || code === 'market/rpc-error'
}

/** Those that may go again; the others are settled. A batch that was refused as one was not read. */
function repeatable(jobs: readonly Job[], error: CodexError): readonly Job[] {
  if (error.code === 'market/batch-refused') return jobs
  return jobs.filter((job) => {
    if (!isRepeatable(job, error)) job.settle({ ok: false, error })
    return isRepeatable(job, error)
  })
}

function isFinal({ code }: CodexError): boolean {
  return code === 'market/stopped' || code === 'market/answer-too-long'
}

function unusable(why: string, cause?: unknown): CodexError<'market/unreachable'> {
  return new CodexError('market/unreachable', `expected an answer, found ${why}; check the endpoint and the network`, {
    cause,
  })
}

function tooMany(): CodexError<'market/unreachable'> {
  return new CodexError(
    'market/unreachable',
    `more than ${MAX_WAITING_CALLS} calls wait for the endpoint; ask for less`,
  )
}

export function stopped(): CodexError<'market/stopped'> {
  return new CodexError('market/stopped', 'the market was stopped; start it again first')
}
