// The tab of tab.nodejs.test.ts: a provider as a page runs it, on the time that the test gives. It does what the test asks of it.

import type { TabNode } from '../../src/browser.ts'
import { createNode } from '../../src/browser.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { formatText } from '../../src/lib/logformat.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import type { CircuitShape } from '../../src/slots/proofinputs.ts'
import { GivenTime } from './giventime.ts'
import { paceOf } from './paceof.ts'
import { type Pace, STEP_SECONDS } from './patienttime.ts'

export interface TabOptions {
  readonly ethProvider: string
  readonly marketplace: string
  readonly key: string
  readonly bootstrap: readonly string[]
  readonly circuitShape: CircuitShape
  readonly quotaBytes: number
  readonly nowMs: number
  readonly offer: { readonly totalSize: number; readonly duration: number; readonly totalCollateral: string }
}

/** What the tab has. */
export interface TabLook {
  readonly reservations: number
  readonly freeBytes: number
  readonly remainingCollateral: string
  readonly usedBytes: number
  readonly reward: string
  readonly problems: readonly string[]
}

export interface TabStep {
  readonly pace: Pace
  readonly states: readonly string[]
  /** Lines of its log since the step before. */
  readonly said: readonly string[]
}

const TURN_MS = 2

const { signal } = new AbortController()
let node: TabNode | undefined
let time: GivenTime | undefined
/** Of each sale event so far. */
const states: string[] = []
/** What was logged since it was last asked. */
let said: string[] = []

function providerOf(running: TabNode | undefined) {
  const provider = running?.trade?.provider
  if (provider === undefined) throw new Error('the tab is no provider')
  return provider
}

const tab = {
  async start({ nowMs, offer, ...options }: TabOptions): Promise<void> {
    time = new GivenTime(nowMs)
    const given = time
    const clock = new SystemClock(given)
    const sinks = [(record: LogRecord) => void said.push(formatText(record))]
    node = await createNode({
      ...options,
      log: new Log({ clock, levels: new LogLevels('debug'), sinks }),
      name: 'provider',
      inLine: true,
      roles: ['provider'],
      proverThreads: 1,
      // Fifty faults come in a day of the chain's.
      maxDailySpendWei: 10n ** 18n,
      pollSeconds: STEP_SECONDS,
      clock,
      stopwatch: () => given.readMs(),
      circuit: { wasm: new URL('/circuit.wasm', location.href), zkey: new URL('/circuit.zkey', location.href) },
    })
    node.events.addEventListener('sale', ({ detail }) => states.push(detail.state))
    const provider = providerOf(node)
    if (provider.reservations.availabilities().length === 0)
      await provider.createAvailability({
        totalSize: offer.totalSize,
        duration: offer.duration,
        minPricePerBytePerSecond: 1n,
        totalCollateral: BigInt(offer.totalCollateral),
      })
  },

  /** Settles once what waited for that moment has begun, and nothing is proven. */
  async advance(nowMs: number): Promise<TabStep> {
    const trade = node?.trade
    if (trade === undefined) throw new Error('the tab has not started')
    time?.advance(nowMs)
    let pace: Pace
    do {
      await new Promise((resolve) => setTimeout(resolve, TURN_MS))
      pace = paceOf(trade)
    } while (pace === 'stand')
    const lines = said
    said = []
    return { pace, states, said: lines }
  },

  async look(): Promise<TabLook> {
    const provider = providerOf(node)
    const availabilities = provider.reservations.availabilities()
    return {
      reservations: provider.reservations.reservations().length,
      freeBytes: availabilities.reduce((sum, { freeSize }) => sum + freeSize, 0),
      remainingCollateral: String(availabilities.reduce((sum, each) => sum + each.totalRemainingCollateral, 0n)),
      usedBytes: (await node?.repo.space())?.quotaUsedBytes ?? 0,
      reward: String(provider.earnings.reduce((sum, { reward }) => sum + reward, 0n)),
      problems: await provider.reservations.check({ signal }),
    }
  },

  async stop(): Promise<void> {
    await node?.stop()
  },
}

export type Tab = typeof tab
;(globalThis as unknown as { codexLightTab: Tab }).codexLightTab = tab
