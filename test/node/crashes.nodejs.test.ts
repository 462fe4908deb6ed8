// A provider that is killed again and again, in named moments and at moments by chance, loses nothing, sends nothing twice, and is paid. `LONG` is how many
// times, where that is a number above 1; five times by default.

import { Interface } from 'ethers'
import { afterEach, expect, test } from 'vitest'
import { MARKETPLACE_ABI } from '../../src/market/marketplaceabi.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { seededRandom } from '../fakes/memorystore.ts'
import { addressOf, buy, NodeWorld, purchaseState, RICH, upload, type WorldNode } from './nodeworld.ts'
import { QuietEndpoint } from './quietendpoint.ts'
import { PROCESS_OFFER, SellingProcess } from './sellingprocess.ts'
import { sentBy } from './sentby.ts'

const LONG = Number(import.meta.env['LONG'])
const KILLS = LONG > 1 ? LONG : 5
/** In the life of each request, one list after the other. States of a sale; what is being sent; or anything. */
const ROUNDS = [
  [
    ...['SaleDownloading', 'by chance', 'a fill is sent', 'by chance', 'SaleProving'],
    ...['a proof is sent', 'by chance', 'a payout was sent'],
  ],
  [
    ...['SaleSlotReserving', 'by chance', 'SaleInitialProving', 'a fill was sent', 'by chance'],
    ...['a proof was sent', 'SalePayout'],
  ],
  [
    ...['by chance', 'a place was reserved', 'SaleFilling', 'by chance', 'a proof is sent'],
    ...['by chance', 'a proof was sent', 'SalePayout'],
  ],
] as const
type Point = (typeof ROUNDS)[number][number]
/** What is being sent: before it arrives, which it never does, or before anybody hears of it. */
const SENDINGS: Partial<Record<Point, { readonly moment: 'asked' | 'answered'; readonly verb: string }>> = {
  'a place was reserved': { moment: 'answered', verb: 'reserveSlot' },
  'a fill is sent': { moment: 'asked', verb: 'fillSlot' },
  'a fill was sent': { moment: 'answered', verb: 'fillSlot' },
  'a proof is sent': { moment: 'asked', verb: 'submitProof' },
  'a proof was sent': { moment: 'answered', verb: 'submitProof' },
  'a payout was sent': { moment: 'answered', verb: 'freeSlot' },
}
/** By chance: at one of so many next questions to the chain, and up to so much later, of the machine's time. */
const CHANCE_QUESTIONS = 100
const CHANCE_MS = 20
/** Of all kills: after some moments others do not come any more. Of all requests. */
const REACHED = 0.7
const FINISHED = 0.9
const TERMS = { duration: 410, expiry: 400, proofProbability: 6n }

let world: NodeWorld
let provider: SellingProcess | undefined
let endpoint: QuietEndpoint | undefined
afterEach(async () => {
  await provider?.kill()
  await world.stop()
  await endpoint?.stop()
}, 60_000)

test(
  `a provider that is killed ${KILLS} times proves what it sold, is paid once, and has all of its space and collateral again (I1 to I10)`,
  async () => {
    world = await NodeWorld.start()
    const asked = (endpoint = await QuietEndpoint.start(world.anvil))
    world.time.watch(asked)
    const client = await world.node('client', { account: 1, roles: ['client'] })
    const start = async (): Promise<SellingProcess> =>
      (provider = await SellingProcess.inWorld(world, { account: 2, client, endpoint: asked }))
    const random = seededRandom(KILLS)
    const ends: string[] = []
    let reached = 0
    let running = await start()
    for (let killed = 0, round = 0; killed < KILLS; round++) {
      const request = await buy(client, await upload(client, 5 * 65_536, round + 1), TERMS)
      for (const point of ROUNDS[round % ROUNDS.length]?.slice(0, KILLS - killed) ?? []) {
        if (await killAt(point, { running, client, request, asked, random })) reached++
        killed++
        running = await start()
        expect((await running.look()).problems, `after kill ${killed}: ${point}`).toEqual([])
      }
      await world.until('the request is over', () => running.isRunning && isOver(client, request))
      await world.until('the sales are over', async () => (await running.look()).reservations === 0)
      ends.push(purchaseState(client, request))
    }
    // What was kept beside the blocks goes after the Reservation, once the chain has been asked.
    await world.until('nothing is stored', async () => (await running.look()).usedBytes === 0)
    expect(await running.look()).toMatchObject({
      problems: [],
      usedBytes: 0,
      freeBytes: PROCESS_OFFER.totalSize,
      remainingCollateral: PROCESS_OFFER.totalCollateral,
    })
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect((await running.look()).reward).toBe(String(gained))
    expect(gained).toBe(RICH - (await world.tokensOf(addressOf(1))))
    const { done, failed, overtaken } = await sentBy(world.anvil.rpc, addressOf(2), world.deployment)
    expect(done.filter((act, i) => done.indexOf(act) !== i)).toEqual([])
    // A fill that was sent again after a restart may come to another challenge than its proof is for.
    expect(failed.filter((act) => !act.startsWith('fillSlot '))).toEqual([])
    expect(overtaken.length).toBeLessThanOrEqual(done.length / 100)
    // Else it would have been killed in vain.
    expect(reached).toBeGreaterThanOrEqual(REACHED * KILLS)
    // Kills that all come before the fills may have one request of a few expire.
    const finished = ends.filter((end) => end === 'finished').length
    expect(finished).toBeGreaterThanOrEqual(Math.max(1, Math.floor(FINISHED * ends.length)))
  },
  280_000 + KILLS * 60_000,
)

interface Victim {
  readonly running: SellingProcess
  readonly client: WorldNode
  readonly request: RequestId
  /** What it asks the chain. */
  readonly asked: QuietEndpoint
  readonly random: () => number
}

/** Kills it at that moment. @returns false where it did not come any more */
async function killAt(point: Point, { running, client, request, asked, random }: Victim): Promise<boolean> {
  let hasCome = false
  const comes = (): void => void (hasCome = true)
  const sending = SENDINGS[point]
  let questions = Math.ceil(random() * CHANCE_QUESTIONS)
  asked.tripwire = async (moment, body) => {
    if (point === 'by chance' && moment === 'asked' && --questions === 0) setTimeout(comes, random() * CHANCE_MS)
    if (hasCome || moment !== sending?.moment || !isSendingOf(sending.verb, body)) return 'go on'
    comes()
    await running.kill()
    return 'drop'
  }
  const isPast = async (): Promise<boolean> => {
    if (!isOver(client, request)) return false
    if (!/payout/i.test(point)) return true
    try {
      return (await running.look()).reservations === 0
    } catch (error) {
      // It was killed while it looked.
      if (hasCome) return true
      throw error
    }
  }
  await world.until(
    point,
    async () => hasCome || (running.isRunning && (running.states.includes(point) || (await isPast()))),
  )
  hasCome ||= running.states.includes(point)
  await running.kill()
  asked.tripwire = () => Promise.resolve('go on')
  return hasCome
}

/** @param body of a call */
function isSendingOf(verb: string, body: string): boolean {
  if (!body.includes('eth_sendRawTransaction')) return false
  const verbs = new Interface(MARKETPLACE_ABI).fragments.filter((each) => each.type === 'function')
  return verbs.some(
    (each) =>
      'selector' in each && each.format().startsWith(`${verb}(`) && body.includes(String(each.selector).slice(2)),
  )
}

function isOver(client: WorldNode, request: RequestId): boolean {
  return ['finished', 'cancelled', 'errored'].includes(purchaseState(client, request))
}
