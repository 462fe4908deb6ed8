// Nodes of tabs for tests, each under a name of its own, with a way to hurt the slab's worker. It states nothing by itself.

import type { BrowserOptions, TabNode } from '../../src/browser.ts'
import { openNode } from '../../src/browser.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'

export const CLOCK_START = 1_700_000_000

let count = 0
/** Storage outlives a test run in this profile, so a name must be new. */
const RUN = crypto.randomUUID().slice(0, 8)

export function tabOptions(): BrowserOptions {
  const clock = new ManualClock(CLOCK_START)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  return { name: `test-${RUN}-${++count}`, clock, log, signal: new AbortController().signal }
}

export async function startNode(options: BrowserOptions): Promise<TabNode> {
  const node = await openNode(options)
  await node.start({ signal: options.signal })
  return node
}

/** Blocks that all differ, from a seed. */
export function sampleFile(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export async function* pieces(bytes: Uint8Array, pieceBytes = 1_000_000): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const piece of source) parts.push(piece as Uint8Array<ArrayBuffer>)
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

/** Remembers the workers that are started while `run` does. */
export async function workersOf<T>(run: () => Promise<T>): Promise<{ result: T; workers: Worker[] }> {
  const workers: Worker[] = []
  const { addEventListener } = Worker.prototype
  // Whoever connects to a worker listens for its failure first.
  Worker.prototype.addEventListener = function (this: Worker, ...args: Parameters<Worker['addEventListener']>): void {
    if (!workers.includes(this)) workers.push(this)
    addEventListener.apply(this, args)
  } as Worker['addEventListener']
  try {
    return { result: await run(), workers }
  } finally {
    Worker.prototype.addEventListener = addEventListener
  }
}

/** Ends a worker as the browser does when it runs out of memory: gone at once, and an error event says so. */
export function crash(worker: Worker): void {
  worker.terminate()
  worker.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))
}
