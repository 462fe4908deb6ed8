// The page of upload.browser.bench.ts.

import { openNode } from '../../src/browser.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { readFile } from '../../web/readfile.ts'
import type { PageSides } from './inchromium.ts'
import { NEVER, quietParts } from './quietparts.ts'

const BLOCK_BYTES = 64 * KiB
const FULL_BYTES = 256 * MiB
const QUICK_BYTES = 32 * MiB

const sides: PageSides = {
  async ours(quick) {
    const source = randomFile(quick)
    const node = await openNode({ name: 'bench', signal: NEVER, ...quietParts() })
    await node.start({ signal: NEVER })
    const begin = performance.now()
    const { blocks } = await node.datasets.upload(readFile(source), { signal: NEVER })
    const seconds = (performance.now() - begin) / 1000
    if (blocks !== source.size / BLOCK_BYTES) throw new Error(`stored ${blocks} blocks of ${source.size} bytes`)
    await node.stop()
    return { mibPerSecond: source.size / MiB / seconds }
  },

  async peer(quick) {
    const source = randomFile(quick)
    const worker = new Worker(new URL('./uploadfloor.worker.ts', import.meta.url), { type: 'module' })
    const seconds = await new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage(source)
    })
    worker.terminate()
    return { mibPerSecond: source.size / MiB / seconds }
  },
}

function randomFile(quick: boolean): Blob {
  const count = (quick ? QUICK_BYTES : FULL_BYTES) / BLOCK_BYTES
  return new Blob(Array.from({ length: count }, () => crypto.getRandomValues(new Uint8Array(BLOCK_BYTES))))
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
