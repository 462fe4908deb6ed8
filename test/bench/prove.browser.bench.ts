// A proof of the full circuit in Chromium on two workers, beside snarkjs. What runs in the page is prove.page.ts.

import { join } from 'node:path'

import type { Bench } from './harness.ts'
import { buildPage, measureInChromium, pagesOf } from './inchromium.ts'
import { placeProvingFiles } from './provefiles.ts'
import { SPEED } from './provesides.ts'

export const bench: Bench = {
  name: 'prove-chromium',
  title: 'Full proof, Chromium, 2 workers',
  peerTitle: 'snarkjs 0.7.6',
  rounds: 3,
  needsChromium: true,
  figures: [
    { ...SPEED, goal: { of: 'ratio', atLeast: 4 } },
    // 300 MB
    { key: 'tabPeakMiB', unit: 'MiB', title: 'peak memory above idle', goal: { of: 'ours', atMost: 286 } },
  ],
  prepare: async (place) => {
    await buildPage(place, 'prove')
    await placeProvingFiles(place, join(pagesOf(place.folder), 'circuit'))
  },
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
