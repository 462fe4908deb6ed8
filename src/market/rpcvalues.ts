// What an endpoint may answer, checked: quantities, hashes, blocks, receipts, logs. Everything from outside passes here before it counts.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'

/** The head of a block. */
export interface Block {
  readonly number: number
  readonly hash: string
  readonly parentHash: string
  readonly timestamp: Seconds
  /** 2048 bits that tell which contracts and topics may occur in the block's logs; undefined when the answer had none. */
  readonly logsBloom: string | undefined
  /** Undefined on chains without EIP-1559. */
  readonly baseFee: bigint | undefined
}

export interface RawLog {
  readonly address: string
  readonly topics: readonly string[]
  readonly data: string
  readonly block: number
  readonly blockHash: string
  readonly logIndex: number
}

export interface Receipt {
  readonly hash: string
  readonly block: number
  readonly blockHash: string
  readonly succeeded: boolean
  readonly gasUsed: bigint
  readonly feeWei: bigint
  /** As they came: only who needs them reads them. */
  readonly logs: unknown
}

/** Logs that one answer may hold. */
export const MAX_LOGS = 200_000
const MAX_TOPICS = 4
const HASH_DIGITS = 64
const BLOOM_DIGITS = 512

/** A number of up to 2^53 - 1. @throws CodexError `market/bad-answer` */
export function readNumber(value: unknown, what: string): number {
  const number = Number(readQuantity(value, what))
  if (Number.isSafeInteger(number)) return number
  throw badAnswer(`${what} below 2^53`, value)
}

/** A number of up to 256 bits. @throws CodexError `market/bad-answer` */
export function readQuantity(value: unknown, what: string): bigint {
  if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) return BigInt(value)
  throw badAnswer(`${what} as hex`, value)
}

/** 32 bytes in one spelling. @throws CodexError `market/bad-answer` */
export function readHash(value: unknown, what: string): string {
  return readHex(value, HASH_DIGITS, what)
}

/** 20 bytes in one spelling. @throws CodexError `market/bad-answer` */
export function readAddress(value: unknown, what: string): string {
  return readHex(value, 40, what)
}

/** Any bytes, `0x…`. @throws CodexError `market/bad-answer` */
export function readData(value: unknown, what: string): string {
  if (typeof value === 'string' && value.length % 2 === 0 && /^0x[0-9a-f]*$/i.test(value)) return value.toLowerCase()
  throw badAnswer(`${what} as bytes`, value)
}

/** A block's head, or undefined for null: the node does not have it. @throws CodexError `market/bad-answer` */
export function readBlock(value: unknown): Block | undefined {
  if (value === null) return undefined
  const { number, hash, parentHash, timestamp, logsBloom, baseFeePerGas } = fieldsOf(value, 'a block')
  return {
    number: readNumber(number, "a block's number"),
    hash: readHash(hash, "a block's hash"),
    parentHash: readHash(parentHash, "a block's parent"),
    timestamp: readNumber(timestamp, "a block's time"),
    logsBloom: typeof logsBloom === 'string' ? readHex(logsBloom, BLOOM_DIGITS, "a block's bloom") : undefined,
    baseFee:
      baseFeePerGas === undefined || baseFeePerGas === null ? undefined : readQuantity(baseFeePerGas, 'base fee'),
  }
}

/** Of a transaction in the chain; undefined for null. @throws CodexError `market/bad-answer` */
export function readReceipt(value: unknown): Receipt | undefined {
  if (value === null) return undefined
  const fields = fieldsOf(value, 'a receipt')
  // Some nodes answer with a receipt of a transaction that waits.
  if (fields['blockHash'] === null || fields['blockHash'] === undefined) return undefined
  const gasUsed = readQuantity(fields['gasUsed'], 'gas used')
  const price = fields['effectiveGasPrice']
  return {
    hash: readHash(fields['transactionHash'], 'the hash of a transaction'),
    block: readNumber(fields['blockNumber'], 'the block of a transaction'),
    blockHash: readHash(fields['blockHash'], 'the block hash of a transaction'),
    succeeded: readQuantity(fields['status'], 'the status of a transaction') === 1n,
    gasUsed,
    feeWei: (price === undefined ? 0n : gasUsed * readQuantity(price, 'gas price')) + readL1Fee(fields['l1Fee']),
    logs: fields['logs'],
  }
}

/** What chains that write to another one take for that beside the gas: part of what is paid. */
function readL1Fee(value: unknown): bigint {
  return value === undefined || value === null ? 0n : readQuantity(value, 'a fee for the chain beneath')
}

/** Logs as they came, each checked by itself; order and doubles are the caller's affair. @throws CodexError `market/bad-answer` */
export function readLogs(value: unknown): RawLog[] {
  if (!Array.isArray(value)) throw badAnswer('a list of logs', value)
  if (value.length > MAX_LOGS) throw badAnswer(`at most ${MAX_LOGS} logs`, value.length)
  const logs: RawLog[] = []
  for (const one of value as unknown[]) {
    const { address, topics, data, blockNumber, blockHash, logIndex, removed } = fieldsOf(one, 'a log')
    // Taken back by a reorganisation, which the block hashes tell better; or not in a block yet.
    if (removed === true || blockHash === null) continue
    if (!Array.isArray(topics) || topics.length > MAX_TOPICS) throw badAnswer(`up to ${MAX_TOPICS} topics`, topics)
    logs.push({
      address: readAddress(address, "a log's contract"),
      topics: topics.map((topic: unknown) => readHash(topic, 'a topic')),
      data: readData(data, "a log's data"),
      block: readNumber(blockNumber, "a log's block"),
      blockHash: readHash(blockHash, "a log's block hash"),
      logIndex: readNumber(logIndex, "a log's index"),
    })
  }
  return logs
}

/** The 32-byte words of call or log data. @throws CodexError `market/bad-answer` when there are not exactly `count` */
export function readWords(data: string, count: number, what: string): bigint[] {
  if (data.length !== 2 + count * HASH_DIGITS) throw badAnswer(`${what} of ${count} words`, data)
  return Array.from({ length: count }, (_, i) =>
    BigInt(`0x${data.slice(2 + i * HASH_DIGITS, 2 + (i + 1) * HASH_DIGITS)}`),
  )
}

export function badAnswer(expected: string, found: unknown): CodexError<'market/bad-answer'> {
  const message = `expected the endpoint to answer with ${expected}, found ${describeValue(found)}; use another endpoint if it goes on`
  return new CodexError('market/bad-answer', message, { detail: { expected, found: describeValue(found) } })
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw badAnswer(what, value)
}

function readHex(value: unknown, digits: number, what: string): string {
  if (typeof value === 'string' && value.length === 2 + digits && /^0x[0-9a-f]+$/i.test(value))
    return value.toLowerCase()
  throw badAnswer(`${what} of ${digits / 2} bytes`, value)
}
