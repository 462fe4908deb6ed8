// A provider that is killed again and again, at moments by chance and in named phases, loses nothing and sends nothing twice. `LONG` is how many times, where that
// is a number above 1; five times by default.

import { afterEach, expect, test } from 'vitest'
import { addressOf, buy, NodeWorld, purchaseState, RICH, upload, type WorldNode } from './nodeworld.ts'
import { PROCESS_OFFER, SellingProcess } from './sellingprocess.ts'
import { sentBy } from './sentby.ts'

const LONG = Number(import.meta.env['LONG'])
const KILLS = LONG > 1 ? LONG : LONG === 1 ? 50 : 5
const KILLS_PER_REQUEST = 5
/** Killed in these, and after a while by chance. */
const POINTS = ['SaleDownloading', 'SaleFilling', 'by chance', 'SaleProving', 'by chance'] as const
const LONGEST_CHANCE_SECONDS = 40

let world: NodeWorld
let provider: SellingProcess | undefined
afterEach(async () => {
  await provider?.kill()
  await world.stop()
}, 60_000)

test.runIf(import.meta.env['LONG'])(
  `a provider that is killed ${KILLS} times proves what it sold, is paid once, and has all of its space and collateral again`,
  async () => {
    world = await NodeWorld.start()
    const client = await world.node('client', { account: 1, roles: ['client'] })
    const start = async (): Promise<SellingProcess> =>
      (provider = await SellingProcess.inWorld(world, { account: 2, client }))
    let running = await start()
    for (let killed = 0, round = 1; killed < KILLS; round++) {
      const request = await buy(client, await upload(client, 5 * 65_536, round), {
        duration: 410,
        expiry: 400,
        proofProbability: 4n,
      })
      for (let i = 0; i < KILLS_PER_REQUEST && killed < KILLS; i++, killed++) {
        await untilPoint(running, POINTS[i % POINTS.length] as string, client, request)
        await running.kill()
        running = await start()
        expect((await running.look()).problems).toEqual([])
      }
      await world.until('request over', () => isOver(purchaseState(client, request)) && running.isRunning)
      await world.until('sales over', async () => (await running.look()).reservations === 0)
    }
    const { sales: _, waiting: __, ...last } = await running.look()
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(last).toMatchObject({
      problems: [],
      usedBytes: 0,
      freeBytes: PROCESS_OFFER.totalSize,
      remainingCollateral: PROCESS_OFFER.totalCollateral,
    })
    expect(gained).toBeGreaterThan(0n)
    expect(last.reward).toBe(String(gained))
    expect(gained).toBe(RICH - (await world.tokensOf(addressOf(1))))
    const acts = await sentBy(world.anvil.rpc, addressOf(2), world.deployment)
    expect(acts.filter((act, i) => acts.indexOf(act) !== i)).toEqual([])
  },
  280_000 + KILLS * 60_000,
)

async function untilPoint(
  running: SellingProcess,
  point: string,
  client: WorldNode,
  request: Parameters<typeof purchaseState>[1],
): Promise<void> {
  const past = (): boolean => isOver(purchaseState(client, request))
  if (point !== 'by chance')
    return world.until(point, () => running.isRunning && (running.states.includes(point) || past()))
  const end = world.time.readMs() + Math.random() * LONGEST_CHANCE_SECONDS * 1000
  await world.until(point, () => running.isRunning && (world.time.readMs() >= end || past()))
}

function isOver(state: string): boolean {
  return state === 'finished' || state === 'cancelled' || state === 'errored'
}
