// Transactions that are mined while the endpoint says otherwise: answers lost, receipts late. Nothing may be sent twice, or told as another's.

import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { RpcLines } from '../../src/market/rpclines.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import { ChainWorld, LONG_PERIODS, never } from './chainworld.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 40

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
})
afterAll(() => world.stop())

async function balanceOf(address: string): Promise<bigint> {
  return BigInt(await world.anvil.rpc.call<string>('eth_getBalance', [address, 'latest']))
}

interface Call {
  readonly id: number
  readonly method: string
}

/** Lines that answer null to `method` while `isHidden`. */
function hiding(methods: readonly string[], isHidden: () => boolean, lose = () => false): RpcLines {
  return {
    connect: (...args) => nodeLines.connect(...args),
    async post(url, body, options) {
      const answer = await nodeLines.post(url, body, options)
      if (body.includes('eth_sendRawTransaction') && lose()) throw new Error('the line broke')
      if (!isHidden()) return answer
      const calls = [JSON.parse(body) as Call | Call[]].flat()
      const answers = JSON.parse(answer.body) as { id: number } | { id: number }[]
      const hidden = [answers].flat().map((one) => {
        const call = calls.find(({ id }) => id === one.id)
        return call !== undefined && methods.includes(call.method) ? { ...one, result: null } : one
      })
      return { ...answer, body: JSON.stringify(Array.isArray(answers) ? hidden : hidden[0]) }
    },
  }
}

it('a lost answer of a node whose index is late: sent once', async () => {
  const to = `0x${'77'.repeat(20)}`
  let losses = 1
  let looks = 0
  const methods = ['eth_getTransactionByHash', 'eth_getTransactionReceipt']
  const isHidden = () => losses <= 0 && looks++ < 40
  const lines = hiding(methods, isHidden, () => losses-- > 0)
  const market = await world.open(2, { pollSeconds: 1, timeoutSeconds: 20 * SPEED }, { lines, clock: fastClock(SPEED) })
  onTestFinished(() => market.stop())
  await market.sendCoins(to, 12_345n, never)
  expect(losses).toBeLessThanOrEqual(0)
  expect(await balanceOf(to)).toBe(12_345n)
})

it.each([
  ['receipts', ['eth_getTransactionReceipt']],
  ['everything by hash', ['eth_getTransactionReceipt', 'eth_getTransactionByHash']],
])('%s late by a minute: waits, and is told as done', async (_, methods) => {
  const to = `0x${'79'.repeat(20)}`
  const before = await balanceOf(to)
  const clock = fastClock(SPEED)
  const start = clock.now()
  const lines = hiding(methods, () => clock.now() < start + 60)
  const market = await world.open(3, { pollSeconds: 1, timeoutSeconds: 20 * SPEED }, { lines, clock })
  onTestFinished(() => market.stop())
  expect(await market.sendCoins(to, 1n, never)).toMatchObject({ hash: expect.stringMatching(/^0x/) as string })
  expect(clock.now()).toBeGreaterThanOrEqual(start + 60)
  expect(await balanceOf(to)).toBe(before + 1n)
})
