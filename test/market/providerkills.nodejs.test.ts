// A provider's process killed with SIGKILL at each moment of sending each of its acts: the next start finds out what became of it, even when it is asked
// for the same act at once, and nothing is done twice.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { EthersMarket } from '../../src/market/ethersmarket.ts'
import type { IntentVerb } from '../../src/market/intent.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { bundleChild } from '../children.ts'
import type { DyingOrder, Moment } from '../children/dyingprovider.ts'
import { type Act, act } from './act.ts'
import { ChainWorld, LONG_PERIODS, never, RICH, slotsOf } from './chainworld.ts'
import { fastClock } from './fastclock.ts'

const SPEED = 10
const EXPIRY = 20_000n
/** Of a request of {@link ChainWorld}: two slots of 1,000 bytes. */
const PRICE = 2n * 200_000n * 2n * 1000n
const COLLATERAL = 5000n
const MOMENTS: readonly Moment[] = ['signed', 'journaled', 'broadcast', 'mined', 'recorded']

/** Verb of the transaction that it dies of, the act that sends it, and the moments of which there is time where there is none for all. */
const DEATHS: readonly (readonly [IntentVerb, Act['name'], readonly Moment[]])[] = [
  ['reserveSlot', 'reserve', []],
  ['approve', 'fill', []],
  ['fillSlot', 'fill', ['broadcast']],
  ['submitProof', 'prove', ['journaled']],
  ['collect', 'collect', ['broadcast']],
  ['withdrawFunds', 'withdraw', []],
]

let world: ChainWorld
let client: EthersMarket
let script: string
beforeAll(async () => {
  world = await ChainWorld.start({ configuration: LONG_PERIODS })
  client = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED) })
  script = fileURLToPath(await bundleChild('dyingprovider'))
})
afterAll(() => world.stop())

let keys = 9000
async function freshKey(): Promise<{ readonly key: NodeKey; readonly privateKey: string }> {
  const privateKey = (++keys).toString(16).padStart(64, '0')
  const key = NodeKey.fromPrivateKey(privateKey)
  await world.anvil.rpc.call('anvil_setBalance', [key.address, `0x${(10n ** 20n).toString(16)}`])
  await world.mint(key.address, RICH)
  return { key, privateKey }
}

async function nonceOf({ address }: NodeKey): Promise<number> {
  return Number(await world.anvil.rpc.call('eth_getTransactionCount', [address, 'latest']))
}

/** Everything up to the act. */
async function lead(name: Act['name'], key: NodeKey): Promise<Act> {
  const market = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key })
  const requester = name === 'withdraw' ? market : client
  const request = world.request(requester.host, {}, EXPIRY)
  const { id, slot } = slotsOf(request)
  await requester.requestStorage(request, never)
  let period = 0
  const doing = (done: Act['name']) => act(market, { name: done, requestId: id, slotId: slot(0), period })
  if (name === 'fill' || name === 'prove' || name === 'collect') await doing('reserve')
  if (name === 'prove' || name === 'collect') await doing('fill')
  if (name === 'prove') {
    period = market.periodicity.periodOf(await world.blockTime()) + 1
    await world.jumpTo(market.periodicity.startOf(period) + 1, client)
  } else if (name === 'collect' || name === 'withdraw')
    await world.jumpTo((await world.blockTime()) + Number(EXPIRY) + 1, client)
  await market.stop()
  return { name, requestId: id, slotId: slot(0), period }
}

async function eventsOf(market: EthersMarket, type: string, { requestId, slotId }: Act): Promise<number> {
  let count = 0
  for await (const event of market.pastEvents({ from: 0, ...never })) {
    const isOurs = 'slotId' in event ? event.slotId === slotId : 'requestId' in event && event.requestId === requestId
    if (event.type === type && isOurs) count++
  }
  return count
}

/** Done once: what it moved, what the chain tells of it, and how it reads. */
async function expectOnce(market: EthersMarket, what: Act, moved: bigint): Promise<void> {
  switch (what.name) {
    case 'reserve':
      expect(await market.hasReservedSlot({ requestId: what.requestId, slotIndex: 0 }, never)).toBe(true)
      return expect(moved).toBe(0n)
    case 'fill':
      expect([await eventsOf(market, 'SlotFilled', what), await market.hostOf(what.slotId, never)]).toEqual([
        1,
        market.host,
      ])
      return expect(moved).toBe(-COLLATERAL)
    case 'prove':
      // One came with the fill.
      expect(await eventsOf(market, 'ProofSubmitted', what)).toBe(2)
      return expect(moved).toBe(0n)
    case 'collect':
      expect(await market.slotState(what.slotId, never)).toBe('Paid')
      expect(moved).toBeGreaterThanOrEqual(COLLATERAL)
      // So that a sale whose answer was lost gets its reward on record.
      return expect(await market.collected(what.slotId, never)).toBe(moved)
    case 'withdraw':
      return expect(moved).toBe(PRICE)
  }
}

const cases = DEATHS.flatMap(([verb, name, few]) =>
  (import.meta.env['LONG'] ? MOMENTS : few).map((moment) => [verb, moment, name] as const),
)
it.each(cases)('%s, %s', async (verb, moment, name) => {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-kills-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { key, privateKey } = await freshKey()
  const what = await lead(name, key)
  const [nonce, tokens] = [await nonceOf(key), await world.tokensOf(key.address)]
  const { endpoint: url } = world.anvil
  const { marketplace } = world.deployment
  const order: DyingOrder = { url, marketplace, privateKey, folder, verb, moment, act: what }
  const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', (data: Buffer) => (said += data.toString()))
  const signal = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)))
  expect([signal, said]).toEqual(['SIGKILL', ''])

  const datastore = await LevelDatastore.open(folder)
  const market = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key, datastore })
  // By who knows nothing of the run before.
  expect(await act(market, what)).toHaveProperty('done')
  await expect.poll(() => market.openIntents()).toEqual([])
  await expectOnce(market, what, (await world.tokensOf(key.address)) - tokens)
  // A fill takes what was granted for it, by whichever run.
  expect((await nonceOf(key)) - nonce).toBe(name === 'fill' ? 2 : 1)
  expect(await market.allowance(never)).toBe(0n)
  await market.stop()
  await datastore.close()
})
