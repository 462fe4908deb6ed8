// Reads of the marketplace's and the token's state through one endpoint, checked and in our types. Transactions and events are elsewhere.

import type { Result } from 'ethers/abi'
import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { fromHex } from '../lib/bytes.ts'
import type { Log } from '../lib/log.ts'
import { nextTask } from '../lib/nexttask.ts'
import type { Seconds } from '../lib/units.ts'
import { requestId } from '../protocol/ids.ts'
import { checkedRequest, type RequestId, type SlotId, type StorageRequest } from '../protocol/request.ts'
import { slotStateOf } from './chainstates.ts'
import type { HeadWatch } from './headwatch.ts'
import type { ActiveSlot, Address, SlotDuty } from './market.ts'
import { MARKETPLACE, TOKEN } from './marketplaceinterface.ts'
import type { MarketplaceTerms } from './marketplaceterms.ts'
import { type Periodicity } from './periodicity.ts'
import { PENDING_BLOCK, pendingTime } from './pendingblock.ts'
import { readRevert, revertError } from './reverts.ts'
import { type RpcAnswer, type RpcCall, type RpcClient, resultOf } from './rpcclient.ts'
import { isRevert, type RpcError } from './rpcerror.ts'
import { badAnswer, readData, readQuantity } from './rpcvalues.ts'
import { idsPerProbe, probeData, readProbe } from './slotprobe.ts'

export interface ChainReaderParts {
  readonly rpc: RpcClient
  readonly heads: HeadWatch
  readonly log: Log
}

/** As the next block would see it, or as the newest one left it. */
export type BlockTag = 'pending' | 'latest'

const QUESTIONS = [
  'slotState(bytes32)',
  'isProofRequired(bytes32)',
  'willProofBeRequired(bytes32)',
  'getPointer(bytes32)',
  'getChallenge(bytes32)',
]
/** Slots asked about in one call: their questions stay far below the gas that nodes grant a call. */
const MAX_SLOTS_PER_CALL = 128
/** Who asks about more is answered alone: others need not wait for so many. */
const MAX_GATHERED = 8
const NEVER = new AbortController().signal
export const MAX_CACHED_REQUESTS = 128
/** A request with more is asked for anew: CIDs of this network take far less, and some of any length would fill the memory. */
export const MAX_CACHED_CID_BYTES = 65_536

export class ChainReader {
  readonly #parts: ChainReaderParts
  readonly #marketplace: Address
  readonly #host: Address
  /** Requests never change. Oldest use first. */
  readonly #requests = new Map<RequestId, StorageRequest>()
  #asking: Asking | undefined
  /** Whether the endpoint runs the probe. */
  #probes = true

  constructor(parts: ChainReaderParts, marketplace: Address, host: Address) {
    this.#parts = parts
    this.#marketplace = marketplace
    this.#host = host
  }

  /** The values a view returns. @throws CodexError `market/…` when it reverts, and as an endpoint may fail */
  async view(name: string, args: readonly unknown[], tag: BlockTag, options: AbortOptions): Promise<Result> {
    const [values] = await this.views([[name, args]], tag, options)
    return values as Result
  }

  /** As {@link ChainReader.view}, several in one request. */
  async views(
    calls: readonly (readonly [name: string, args: readonly unknown[]])[],
    tag: BlockTag,
    options: AbortOptions,
  ): Promise<Result[]> {
    this.#parts.heads.assertOurChain()
    const answers = await this.#parts.rpc.callMany(
      calls.map(([name, args]) => this.#call(MARKETPLACE.encodeFunctionData(name, args), tag)),
      options,
    )
    return answers.map((answer, i) => decoded(calls[i]?.[0] ?? '', answer))
  }

  /** As {@link ChainReader.view}; undefined when it reverts with the error `none`. */
  async viewOr(
    none: string,
    name: string,
    args: readonly unknown[],
    tag: BlockTag,
    options: AbortOptions,
  ): Promise<Result | undefined> {
    try {
      return await this.view(name, args, tag, options)
    } catch (error) {
      if (CodexError.is(error) && error.detail['revert'] === none) return undefined
      throw error
    }
  }

  async terms(options: AbortOptions): Promise<MarketplaceTerms> {
    return termsOf(first(await this.view('configuration', [], 'latest', options)))
  }

  async request(id: RequestId, options: AbortOptions): Promise<StorageRequest | undefined> {
    const cached = this.#requests.get(id)
    if (cached !== undefined) return this.#keep(id, cached)
    const found = await this.viewOr('Marketplace_UnknownRequest', 'getRequest', [id], 'latest', options)
    if (found === undefined) return undefined
    const request = requestOf(first(found))
    if (requestId(request) !== id) throw badAnswer(`the request ${id}`, requestId(request))
    return this.#keep(id, request)
  }

  /** Of several slots at once, in their order; undefined where a slot is free. */
  async activeSlots(ids: readonly SlotId[], options: AbortOptions): Promise<(ActiveSlot | undefined)[]> {
    this.#parts.heads.assertOurChain()
    const calls = ids.map((id) => this.#call(MARKETPLACE.encodeFunctionData('getActiveSlot', [id]), 'latest'))
    const answers = await this.#parts.rpc.callMany(calls, options)
    return answers.map((answer, i) => {
      try {
        const slot = first(decoded('getActiveSlot', answer))
        const request = requestOf(slot[0] as Result)
        return { slotId: ids[i] as SlotId, requestId: requestId(request), slotIndex: Number(slot[1]), request }
      } catch (error) {
        if (CodexError.is(error) && error.detail['revert'] === 'Marketplace_SlotIsFree') return undefined
        throw error
      }
    })
  }

  /**
   * State and duty of each slot, every one as a single block sees it. Who asks about few at the same moment, as all sales do when a period begins, is
   * answered by the same few calls.
   */
  async slotDuties(ids: readonly SlotId[], periodicity: Periodicity, options: AbortOptions): Promise<SlotDuty[]> {
    this.#parts.heads.assertOurChain()
    const answers = await (ids.length <= MAX_GATHERED ? this.#gathered(ids, options) : this.#answers(ids, options))
    return ids.map((slotId, i) => {
      const answer = answers[i] as SlotAnswer | CodexError
      if (CodexError.is(answer)) throw answer
      return dutyOf(slotId, periodicity.periodOf(answer.timestamp), answer.words)
    })
  }

  /** Together with those that others ask about until the next turn of the event loop. */
  async #gathered(ids: readonly SlotId[], { signal }: AbortOptions): Promise<readonly (SlotAnswer | CodexError)[]> {
    const asking = (this.#asking ??= this.#askSoon())
    const first = asking.ids.push(...ids) - ids.length
    const answers = await raceAbort(asking.answers, signal)
    return answers.slice(first, first + ids.length)
  }

  #askSoon(): Asking {
    const ids: SlotId[] = []
    const answers = nextTask().then(() => {
      this.#asking = undefined
      // One who waits no more does not end it for the others.
      return this.#answers(ids, { signal: NEVER })
    })
    return { ids, answers }
  }

  async #answers(ids: readonly SlotId[], options: AbortOptions): Promise<readonly (SlotAnswer | CodexError)[]> {
    const answers: (SlotAnswer | CodexError)[] = await this.#probe(ids, options)
    // A refusal within the probe does not tell why, and may be the probe's own want of gas.
    const refused = [...ids.keys()].filter((i) => {
      const answer = answers[i]
      return answer === undefined || CodexError.is(answer) || answer.words.includes(undefined)
    })
    const asked = await this.#askSingly(
      refused.map((i) => ids[i] as SlotId),
      options,
    )
    for (const [at, i] of refused.entries()) answers[i] = asked[at] as SlotAnswer | CodexError
    return answers
  }

  async tokenAddress(options: AbortOptions): Promise<Address> {
    const [address] = await this.view('token', [], 'latest', options)
    return String(address).toLowerCase()
  }

  /** A number that the token answers with. */
  async token(token: Address, name: 'balanceOf' | 'allowance', args: readonly unknown[], options: AbortOptions) {
    this.#parts.heads.assertOurChain()
    const call = { from: this.#host, to: token, data: TOKEN.encodeFunctionData(name, args) }
    const data = await this.#parts.rpc.call('eth_call', [call, 'pending'], options)
    return readQuantity(readData(data, `the token's ${name}`), `the token's ${name}`)
  }

  #keep(id: RequestId, request: StorageRequest): StorageRequest {
    if (request.content.cid.length > MAX_CACHED_CID_BYTES) return request
    this.#requests.delete(id)
    this.#requests.set(id, request)
    const [oldest] = this.#requests.keys()
    if (this.#requests.size > MAX_CACHED_REQUESTS && oldest !== undefined) this.#requests.delete(oldest)
    return request
  }

  #call(data: string, tag: BlockTag): RpcCall {
    return { method: 'eth_call', params: [{ from: this.#host, to: this.#marketplace, data }, tag] }
  }

  /** One answer per slot; none at all when the endpoint does not run the probe. */
  async #probe(ids: readonly SlotId[], options: AbortOptions): Promise<SlotAnswer[]> {
    if (!this.#probes) return []
    const size = Math.min(MAX_SLOTS_PER_CALL, idsPerProbe(QUESTIONS.length))
    const groups: SlotId[][] = []
    for (let start = 0; start < ids.length; start += size) groups.push(ids.slice(start, start + size))
    const calls = groups.map((group) => {
      const data = probeData(this.#marketplace, QUESTIONS, group)
      return { method: 'eth_call', params: [{ from: this.#host, data }, 'pending'] }
    })
    const answers = await this.#parts.rpc.callMany(calls, options)
    try {
      return answers.flatMap((answer, g) => {
        const { timestamp, words } = readProbe(
          readData(resultOf(answer), 'slots'),
          QUESTIONS.length,
          groups[g]?.length ?? 0,
        )
        return words.map((own) => ({ timestamp, words: own }))
      })
    } catch (error) {
      if (!CodexError.is(error, 'market/rpc-error') && !CodexError.is(error, 'market/bad-answer')) throw error
      this.#parts.log.info('the endpoint does not answer for many slots at once; asking singly', { error })
      this.#probes = false
      return []
    }
  }

  /** The same by one call per question. Then nothing ties the answers to one block but that they travel together. */
  async #askSingly(ids: readonly SlotId[], options: AbortOptions): Promise<(SlotAnswer | CodexError)[]> {
    if (ids.length === 0) return []
    const asked = ids.flatMap((id) =>
      QUESTIONS.map((question) => this.#call(MARKETPLACE.encodeFunctionData(question, [id]), 'pending')),
    )
    const [block, ...answers] = await this.#parts.rpc.callMany([PENDING_BLOCK, ...asked], options)
    const timestamp = pendingTime(block)
    if (timestamp === undefined) throw badAnswer("the next block's time", resultOf(block))
    return ids.map((_, i) => {
      const own = answers.slice(i * QUESTIONS.length, (i + 1) * QUESTIONS.length)
      // Of this slot only: the others have their answers.
      const failed = own.find((answer) => !answer.ok && !isRevert(answer.error))
      if (failed?.ok === false) return failed.error
      const words = own.map((answer) =>
        answer.ok ? readQuantity(readData(answer.result, 'a slot'), 'a slot') : (answer.error as RpcError),
      )
      return { timestamp, words }
    })
  }
}

/** Slots that are asked about together, by whoever wants to know. */
interface Asking {
  readonly ids: SlotId[]
  /** In the order of `ids`. */
  readonly answers: Promise<readonly (SlotAnswer | CodexError)[]>
}

/** What the contract says of a slot. */
interface SlotAnswer {
  readonly timestamp: Seconds
  /** Per question: the word, undefined for a refusal of unknown reason, or the refusal. */
  readonly words: readonly (bigint | undefined | RpcError)[]
}

function dutyOf(
  slotId: SlotId,
  period: number,
  [stateWord, isRequired, willBe, pointer, challenge]: SlotAnswer['words'],
): SlotDuty {
  if (typeof stateWord !== 'bigint') throw stateWord ?? badAnswer('the state of a slot', 'a refusal')
  const state = slotStateOf(stateWord)
  const around = typeof pointer === 'bigint' ? { pointer: Number(pointer) } : {}
  const nothing = { slotId, state, period, duty: undefined, ...around }
  const problem = [isRequired, willBe].map(problemOf).find((one) => one !== undefined)
  if (problem !== undefined) return { ...nothing, problem }
  const due = isRequired === 1n ? 'now' : willBe === 1n ? 'soon' : undefined
  if (due === undefined) return nothing
  // A node that lacks one of the last 256 block hashes.
  if (typeof pointer !== 'bigint' || typeof challenge !== 'bigint')
    return { ...nothing, problem: problemOf(challenge) ?? badAnswer('the challenge of a slot', 'a refusal') }
  const text = `0x${challenge.toString(16).padStart(64, '0')}`
  return { ...nothing, duty: { slotId, period, due, pointer: Number(pointer), challenge: text } }
}

/** Why there is no answer; undefined where there is, or the slot is free, which owes nothing. */
function problemOf(word: bigint | undefined | RpcError): CodexError | undefined {
  if (typeof word === 'bigint') return undefined
  if (word === undefined) return badAnswer('whether a slot owes a proof', 'a refusal')
  const { data, said } = word.detail
  return readRevert(data).name === 'Marketplace_SlotIsFree' ? undefined : revertError('call', data, said, word)
}

function decoded(name: string, answer: RpcAnswer | undefined): Result {
  if (answer?.ok === false && isRevert(answer.error)) {
    const { data, said } = (answer.error as RpcError).detail
    throw revertError('call', data, said, answer.error)
  }
  const data = readData(resultOf(answer), `the answer to ${name}`)
  try {
    return MARKETPLACE.decodeFunctionResult(name, data)
  } catch {
    throw badAnswer(`the answer to ${name}; is the marketplace at this address?`, data)
  }
}

function first(result: Result): Result {
  return result[0] as Result
}

/** @throws CodexError `market/bad-answer` */
function requestOf(result: Result): StorageRequest {
  try {
    const [client, ask, content, expiry, nonce] = result as unknown as [string, bigint[], string[], bigint, string]
    const [proofProbability, pricePerBytePerSecond, collateralPerByte, slots, slotSize, duration, maxSlotLoss] = ask
    return checkedRequest({
      client,
      ask: {
        proofProbability: proofProbability as bigint,
        pricePerBytePerSecond: pricePerBytePerSecond as bigint,
        collateralPerByte: collateralPerByte as bigint,
        slots: slots as bigint,
        slotSize: slotSize as bigint,
        duration: duration as bigint,
        maxSlotLoss: maxSlotLoss as bigint,
      },
      content: { cid: fromHex(content[0] as string), merkleRoot: content[1] as string },
      expiry,
      nonce,
    })
  } catch (error) {
    throw badAnswer('a storage request', error instanceof Error ? error.message : describeValue(error))
  }
}

function termsOf(result: Result): MarketplaceTerms {
  const [collateral, proofs, reservations, limit] = result as unknown as [bigint[], unknown[], bigint[], bigint]
  const numbers = (values: readonly unknown[]) => values.map(Number) as [number, number, number, number]
  const [repairRewardPercentage, maxNumberOfSlashes, slashPercentage, validatorRewardPercentage] = numbers(collateral)
  const [period, timeout, downtime, downtimeProduct] = numbers(proofs.slice(0, 4))
  if (!Number.isSafeInteger(period) || period < 1) throw badAnswer('periods of at least a second', period)
  return {
    collateral: { repairRewardPercentage, maxNumberOfSlashes, slashPercentage, validatorRewardPercentage },
    proofs: { period, timeout, downtime, downtimeProduct, zkeyHash: String(proofs[4]).slice(0, 200) },
    reservations: { maxReservations: Number(reservations[0]) },
    requestDurationLimit: Number(limit),
  }
}
