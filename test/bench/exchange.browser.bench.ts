// A slot of 256 MiB fetched by a tab from a Node process over WebSocket, verified and stored, beside the same bytes over one raw stream there. What runs in
// the page is exchange.page.ts.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { MiB } from '../../src/lib/units.ts'
import type { PageCourse } from './exchange.page.ts'
import type { Course } from './exchangesides.ts'
import { courseOf, startChild, treeOf, upload, WEBSOCKET } from './exchangesides.ts'
import type { Bench, Place, Sample, SideName } from './harness.ts'
import { buildPage, measureInChromium, pagesOf } from './inchromium.ts'

export const bench: Bench = {
  name: 'exchange-chromium',
  title: 'Fetch of 256 MiB over WebSocket, Node to Chromium',
  peerTitle: 'raw js-libp2p stream',
  rounds: 3,
  needsChromium: true,
  figures: [
    { key: 'mibPerSecond', unit: 'MiB/s', title: 'speed', goal: { of: 'ratio', atLeast: 0.5 } },
    { key: 'delayMs', unit: 'ms', title: 'event-loop delay of the tab, p99', goal: { of: 'ours', atMost: 50 } },
    { key: 'tabPeakMiB', unit: 'MiB', title: 'peak memory of the tab above idle', goal: { of: 'ours', atMost: 250 } },
    {
      key: 'providerRssMiB',
      unit: 'MiB',
      title: 'peak memory of the serving side',
      goal: { of: 'ours', atMost: 250 },
    },
  ],
  prepare: async (place) => {
    await buildPage(place, 'exchange')
    await upload(course(place))
  },
  sides: {
    ours: (place) => measure(place, 'ours', 'provide'),
    peer: (place) => measure(place, 'peer', 'sendRaw'),
  },
}

function course(place: Place): Course {
  return courseOf(place, import.meta.url, WEBSOCKET, 256 * MiB)
}

async function measure(place: Place, side: SideName, serve: 'provide' | 'sendRaw'): Promise<Sample> {
  const { blocks, ...rest } = course(place)
  const child = await startChild(serve, { blocks, ...rest })
  const given: PageCourse = { address: child.address, tree: treeOf({ blocks, ...rest }), blocks }
  writeFileSync(join(pagesOf(place.folder), 'course.json'), JSON.stringify(given))
  const sample = await measureInChromium(place, side)
  const { rssMiB } = await child.end()
  return { ...sample, providerRssMiB: rssMiB }
}

export { provide, sendRaw, watchChild } from './exchangesides.ts'
