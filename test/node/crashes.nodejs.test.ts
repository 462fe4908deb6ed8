// A provider that is killed again and again, at moments by chance and in named phases, loses nothing and sends nothing twice. `LONG` is how many times, where that
// is a number above 1; five times by default.

import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import { ROOT } from '../proving/compilefortests.ts'
import { keysForTests } from '../proving/keysfortests.ts'
import { storageProofMain } from '../../wasm/circuit/templates.ts'
import {
  addressOf,
  buy,
  keyOf,
  NodeWorld,
  peerAddress,
  purchaseState,
  QUICK_CIRCUIT,
  QUICK_SHAPE,
  RICH,
  upload,
  type WorldNode,
} from './nodeworld.ts'
import { SellingProcess } from './sellingprocess.ts'
import { sentBy } from './sentby.ts'

const LONG = Number(import.meta.env['LONG'])
const KILLS = LONG > 1 ? LONG : LONG === 1 ? 50 : 5
const KILLS_PER_REQUEST = 5
/** Killed in these, and after a while by chance. */
const POINTS = ['SaleDownloading', 'SaleFilling', 'by chance', 'SaleProving', 'by chance'] as const
const LONGEST_CHANCE_SECONDS = 40
const OFFER = { totalSize: 4 * MiB, duration: 2000, totalCollateral: String(10n ** 9n) }

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
    const keys = await keysForTests(storageProofMain(QUICK_CIRCUIT))
    const start = async (): Promise<SellingProcess> => {
      const started = await SellingProcess.start(
        {
          dataDir: `${world.folder}/provider`,
          ethProvider: world.anvil.endpoint,
          marketplace: world.deployment.marketplace,
          key: keyOf(2),
          roles: ['provider'],
          bootstrap: [peerAddress(client)],
          circuitShape: QUICK_SHAPE,
          proverThreads: 1,
          quotaBytes: 16 * MiB,
          pollSeconds: 1,
          wasm: ROOT + keys.wasm,
          zkey: ROOT + keys.zkey,
          verificationKey: ROOT + keys.verificationKey,
          nowMs: world.time.readMs(),
          offer: OFFER,
        },
        world.time,
      )
      provider = started
      await world.until('ready', () => isRunning(started) && started.isReady)
      return started
    }
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
      await world.until('request over', () => isOver(purchaseState(client, request)) && isRunning(running))
      await world.until('sales over', async () => (await running.look()).reservations === 0)
    }
    const { sales: _, waiting: __, ...last } = await running.look()
    const gained = (await world.tokensOf(addressOf(2))) - RICH
    expect(last).toMatchObject({
      problems: [],
      usedBytes: 0,
      freeBytes: OFFER.totalSize,
      remainingCollateral: OFFER.totalCollateral,
    })
    expect(gained).toBeGreaterThan(0n)
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
    return world.until(point, () => isRunning(running) && (running.states.includes(point) || past()))
  const end = world.time.readMs() + Math.random() * LONGEST_CHANCE_SECONDS * 1000
  await world.until(point, () => isRunning(running) && (world.time.readMs() >= end || past()))
}

function isRunning(running: SellingProcess): boolean {
  if (running.isOver) throw new Error(`the provider ended by itself: ${running.failure}`)
  return true
}

function isOver(state: string): boolean {
  return state === 'finished' || state === 'cancelled' || state === 'errored'
}
