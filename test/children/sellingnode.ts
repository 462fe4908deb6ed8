// A provider in a process of its own, to be killed at any moment. Its time is its parent's: it comes by message, and so does each question. Usage: `sellingnode`
// with the options of `createNode` as JSON in the environment.

import { appendFileSync, readFileSync } from 'node:fs'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { formatText } from '../../src/lib/logformat.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { createNode } from '../../src/nodejs.ts'
import { GivenTime } from '../node/giventime.ts'
import { paceOf } from '../node/paceof.ts'
import type { SellingAnswer, SellingQuestion, SellingOptions } from '../node/sellingprocess.ts'

const { wasm, zkey, verificationKey, nowMs, offer, logFile, ...options } = JSON.parse(
  process.env['SELLING_NODE'] ?? '{}',
) as SellingOptions

function say(answer: SellingAnswer): void {
  process.send?.(answer)
}

// Not the system's own figure, in which the process that forked this one counts.
let peakRssBytes = 0
setInterval(() => (peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss())), 50).unref()

const time = new GivenTime(nowMs)
const clock = new SystemClock(time)
const toFile = (record: LogRecord): void => {
  if (logFile !== undefined) appendFileSync(logFile, `${formatText(record)}\n`)
}

const node = await createNode({
  ...options,
  clock,
  log: new Log({ clock, levels: new LogLevels('debug'), sinks: [toFile] }),
  // Its day is shorter than a crash loop.
  maxDailySpendWei: 10n ** 18n,
  stopwatch: () => time.readMs(),
  circuit: {
    wasm: readFileSync(wasm),
    zkey: readFileSync(zkey),
    verificationKey: JSON.parse(readFileSync(verificationKey, 'utf8')) as never,
  },
})
const { trade } = node
const provider = trade?.provider
if (trade === undefined || provider === undefined) throw new Error('the node is no provider')
if (offer !== undefined && provider.reservations.availabilities().length === 0)
  await provider.createAvailability({
    totalSize: offer.totalSize,
    duration: offer.duration,
    minPricePerBytePerSecond: 1n,
    totalCollateral: BigInt(offer.totalCollateral),
  })
node.events.addEventListener('sale', ({ detail }) =>
  say({ say: 'state', state: detail.state, slotIndex: detail.slotIndex }),
)

async function look(): Promise<SellingAnswer> {
  const { signal } = new AbortController()
  const seller = provider as NonNullable<typeof provider>
  return {
    say: 'look',
    waiting: seller.meter.waiting,
    problems: [...(await seller.reservations.check({ signal })), ...(await node.repo.recount({ signal })).problems],
    reservations: seller.reservations.reservations().length,
    sales: seller.list().length,
    usedBytes: (await node.repo.space()).quotaUsedBytes,
    freeBytes: seller.reservations.availabilities().reduce((sum, { freeSize }) => sum + freeSize, 0),
    remainingCollateral: String(
      seller.reservations.availabilities().reduce((sum, each) => sum + each.totalRemainingCollateral, 0n),
    ),
    reward: String(seller.earnings.reduce((sum, { reward }) => sum + reward, 0n)),
    peakRssBytes,
  }
}

let pace = ''
let proofs = 0
function tellPace(heard: boolean): void {
  const now = paceOf(trade as NonNullable<typeof trade>)
  const made = provider?.meter.proofs ?? 0
  if (heard || now !== pace || made !== proofs) say({ say: 'pace', pace: now, heard })
  pace = now
  proofs = made
}
const telling = setInterval(() => tellPace(false), 4)
/** Tells of it once what waited for that moment has begun. */
async function advance(toMs: number): Promise<void> {
  time.advance(toMs)
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  tellPace(true)
}
process.on('message', (question: SellingQuestion) => {
  if (question.ask === 'time') void advance(question.nowMs)
  if (question.ask === 'look') void look().then(say)
  if (question.ask === 'stop') void stop()
})

/** Without its parent it is of no use. */
const orphaned = (): never => process.exit(1)
process.once('disconnect', orphaned)

/** From then on nothing of ours keeps the process alive. */
async function stop(): Promise<void> {
  await node.stop()
  process.off('disconnect', orphaned)
  clearInterval(telling)
  process.disconnect()
}

say({ say: 'ready' })
