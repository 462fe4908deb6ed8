// A chain in memory behind RpcLines: heads and logs of the marketplace, told as a node tells them, or as a test says. It runs nothing. Not a test.

import { Interface } from 'ethers'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import { EVENT_TOPICS } from '../../src/market/eventcodec.ts'
import { bloomBits } from '../../src/market/logsbloom.ts'
import type { PostAnswer, RpcLines } from '../../src/market/rpclines.ts'
import { keccak256 } from 'ethers/crypto'
import { fromHex, toHex } from '../../src/lib/bytes.ts'

export const SCRIPTED_MARKETPLACE = `0x${'ab'.repeat(20)}`
const FACE = new Interface(MARKETPLACE_ABI)
const BLOOM_BYTES = 256
const UNKNOWN = { code: -32601, message: 'the method does not exist' }

export interface ScriptedBlock {
  readonly number: number
  readonly hash: string
  readonly parentHash: string
  readonly timestamp: number
  readonly logsBloom: string
  readonly logs: readonly object[]
}

export interface ScriptedCall {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

/** As JSON-RPC has it. */
export interface ScriptedError {
  readonly code: number
  readonly message: string
}

export class ScriptedChain {
  chainId = 31337
  /** Makes blocks only when there is something for them, and says so. */
  isOnDemand = false
  blocks: ScriptedBlock[] = []
  /** Makes hashes of one branch differ from those of another. */
  branch = 0
  /** Changes what is answered to a call; undefined leaves it. */
  tamper: (call: ScriptedCall, result: unknown) => unknown = () => undefined
  /** Refuses a call with an error; undefined leaves it. */
  refuse: (call: ScriptedCall) => ScriptedError | undefined = () => undefined
  /** Answers a whole message; undefined leaves it. */
  exchange: (calls: readonly ScriptedCall[]) => PostAnswer | undefined = () => undefined
  readonly calls: ScriptedCall[] = []
  #logs = 0

  /** @param time of the first block */
  constructor(time: number, blocks: number) {
    this.mine(blocks, 0, time)
  }

  get head(): ScriptedBlock {
    return this.blocks.at(-1) as ScriptedBlock
  }

  get lines(): RpcLines {
    return {
      connect: () => Promise.reject(new Error('nobody asked for a socket')),
      post: async (_, body): Promise<PostAnswer> => {
        const asked = JSON.parse(body) as ScriptedCall | ScriptedCall[]
        const whole = this.exchange([asked].flat())
        if (whole !== undefined) return whole
        const answers = [asked].flat().map((call) => {
          this.calls.push(call)
          const error =
            this.refuse(call) ?? (call.method === 'hardhat_getAutomine' && !this.isOnDemand ? UNKNOWN : undefined)
          if (error !== undefined) return { jsonrpc: '2.0', id: call.id, error }
          const result = this.#answer(call)
          const told = this.tamper(call, result)
          return { jsonrpc: '2.0', id: call.id, result: told === undefined ? result : told }
        })
        return { status: 200, body: JSON.stringify(Array.isArray(asked) ? answers : answers[0]), retryAfter: undefined }
      },
    }
  }

  /** Blocks a second apart, each with `events` logs of a filled slot. */
  mine(blocks: number, events = 0, time = this.head.timestamp + 1): void {
    for (let i = 0; i < blocks; i++) {
      const number = this.blocks.length
      const hash = `0x${this.branch.toString(16).padStart(8, '0')}${number.toString(16).padStart(56, '0')}`
      const logs = Array.from({ length: events }, (_, index) => this.#log(number, hash, index))
      const parentHash = this.blocks.at(-1)?.hash ?? `0x${'0'.repeat(64)}`
      this.blocks.push({ number, hash, parentHash, timestamp: time + i, logsBloom: bloomOf(events > 0), logs })
    }
  }

  /** The newest blocks are gone; what is mined now is another branch. */
  forget(blocks: number): void {
    this.blocks.length -= blocks
    this.branch++
  }

  #answer({ method, params }: ScriptedCall): unknown {
    const [first] = params
    switch (method) {
      case 'eth_chainId':
        return hex(this.chainId)
      case 'eth_getBlockByNumber':
        return toldBlock(first === 'latest' || first === 'pending' ? this.head : this.blocks[Number(first)])
      case 'eth_getLogs': {
        const { fromBlock, toBlock } = first as { fromBlock: string; toBlock: string }
        return this.blocks.slice(Number(fromBlock), Number(toBlock) + 1).flatMap(({ logs }) => logs)
      }
      case 'hardhat_getAutomine':
        return true
      default:
        throw new Error(`found no answer to ${method}`)
    }
  }

  #log(block: number, blockHash: string, index: number): object {
    const requestId = `0x${(++this.#logs).toString(16).padStart(64, '0')}`
    const { data, topics } = FACE.encodeEventLog('SlotFilled', [requestId, 0])
    return { address: SCRIPTED_MARKETPLACE, topics, data, blockNumber: hex(block), blockHash, logIndex: hex(index) }
  }
}

/** As a node tells it; null for a block that is not there. */
export function toldBlock(block: ScriptedBlock | undefined): object | null {
  if (block === undefined) return null
  const { number, timestamp, hash, parentHash, logsBloom } = block
  return { number: hex(number), timestamp: hex(timestamp), hash, parentHash, logsBloom, baseFeePerGas: '0x7' }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

/** Of a block with or without a log of {@link ScriptedChain}. */
function bloomOf(hasLogs: boolean): string {
  const bytes = new Uint8Array(BLOOM_BYTES)
  const topic = EVENT_TOPICS.find((one) => one === FACE.getEvent('SlotFilled')?.topicHash) ?? ''
  for (const value of hasLogs ? [SCRIPTED_MARKETPLACE, topic] : [])
    for (const bit of bloomBits(fromHex(keccak256(value)))) {
      const at = BLOOM_BYTES - 1 - (bit >> 3)
      bytes[at] = (bytes[at] as number) | (1 << (bit & 7))
    }
  return `0x${toHex(bytes)}`
}
