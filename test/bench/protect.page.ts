// The page of protect.browser.bench.ts.

import { openNode } from '../../src/browser.ts'
import type { Bytes } from '../../src/lib/units.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import type { PageSides } from './inchromium.ts'
import type { BareWorker } from './protectsides.ts'
import { measureBare, protectOnce } from './protectsides.ts'
import { watchDelays } from './pagedelays.ts'
import { NEVER, quietParts } from './quietparts.ts'

const FULL_BYTES = 256 * MiB
const QUICK_BYTES = 24 * MiB
const PIECE_BYTES = 64 * KiB

const sides: PageSides = {
  async ours(quick) {
    const node = await openNode({ name: 'bench', signal: NEVER, ...quietParts() })
    await node.start({ signal: NEVER })
    const { cid } = await node.datasets.upload(noise(quick ? QUICK_BYTES : FULL_BYTES), { signal: NEVER })
    const delays = watchDelays()
    const mibPerSecond = await protectOnce(node, cid)
    const delayMs = delays.percentile(0.99)
    await node.stop()
    return { mibPerSecond, delayMs }
  },
  peer: () => measureBare(createWorker),
}

/** As it is wanted, so that no memory holds all of it. */
async function* noise(bytes: Bytes): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) yield crypto.getRandomValues(new Uint8Array(PIECE_BYTES))
}

function createWorker(): BareWorker {
  const worker = new Worker(new URL('./hashing.worker.ts', import.meta.url), { type: 'module' })
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = resolve
      worker.onerror = ({ message }) => reject(new Error(message))
    })
  return {
    ready: answer(),
    hash(blocks) {
      worker.postMessage(blocks)
      return answer()
    },
    end: () => worker.terminate(),
  }
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
