// A process that protects a dataset of the size it is told, 3 of 5, loses two slots, and rebuilds them with nothing else of the dataset left. It says what that
// took; what may be taken is for the test to know. Usage: `slotsload FOLDER MIB`.

import { randomFillSync } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { MiB } from '../../src/lib/units.ts'
import { openNode } from '../../src/nodejs.ts'
import { peakRssMiB } from '../bench/peakmemory.js'

/** What it prints, as JSON. */
export interface SlotsLoad {
  readonly protectMs: number
  readonly repairMs: number
  readonly decodeMs: number
  /** Of the event loop while it protects. */
  readonly delayMs: number
  readonly peakMiB: number
  readonly outcomes: readonly string[]
  readonly problems: readonly string[]
  readonly rebuiltBlocks: number
  /** Blocks left when all datasets were removed. */
  readonly blocksLeft: number
}

const PIECE_BYTES = 8 * MiB
const { signal } = new AbortController()

async function* noise(bytes: number): AsyncGenerator<Uint8Array, void> {
  for (let sent = 0; sent < bytes; sent += PIECE_BYTES)
    yield randomFillSync(new Uint8Array(Math.min(PIECE_BYTES, bytes - sent)))
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const begin = performance.now()
  const result = await work()
  return [performance.now() - begin, result]
}

/** Of five slots: each is lost once at least, data with parity, data with data. */
const LOST_PAIRS = [
  [1, 4],
  [0, 2],
  [3, 0],
] as const

async function load(dataDir: string, bytes: number): Promise<SlotsLoad> {
  const clock = new SystemClock()
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  const node = await openNode({ dataDir, clock, log })
  await node.start({ signal })
  const { cid: plain } = await node.datasets.upload(noise(bytes), { signal })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const [protectMs, built] = await timed(() => node.slots.protect(plain, { ecK: 3, ecM: 2, signal }))
  delay.disable()
  const { verifiableCid, protectedCid } = built
  await node.datasets.remove(plain, { signal })
  let rebuiltBlocks = 0
  let repairMs = 0
  for (const pair of LOST_PAIRS) {
    for (const slot of pair) await node.slots.dropSlot(verifiableCid, slot, { signal })
    const [ms] = await timed(async () => {
      for (const slot of pair) rebuiltBlocks += (await node.slots.repair(verifiableCid, slot, { signal })).rebuiltBlocks
    })
    repairMs += ms
  }
  const outcomes = (await node.slots.verify(verifiableCid, { signal })).map(({ outcome }) => outcome)
  for (const slot of [0, 2]) await node.slots.dropSlot(verifiableCid, slot, { signal })
  const [decodeMs] = await timed(() => node.slots.decode(protectedCid, { signal }))
  const { problems } = await node.repo.recount({ signal })
  for (const cid of [verifiableCid, protectedCid, plain]) await node.datasets.remove(cid, { signal })
  const { totalBlocks: blocksLeft } = await node.repo.space()
  await node.stop()
  const peakMiB = peakRssMiB()
  const delayMs = delay.percentile(99) / 1e6
  return { protectMs, repairMs, decodeMs, delayMs, peakMiB, outcomes, problems, rebuiltBlocks, blocksLeft }
}

const [, , folder = '', mebibytes = ''] = process.argv
console.log(JSON.stringify(await load(folder, Number(mebibytes) * MiB)))
