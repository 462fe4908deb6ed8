// Blocks in and out of the store in Chromium, beside the store that Helia uses there. What runs in the page is blocks.page.ts.

import { blockFigures } from './blockbatches.ts'
import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'

export const bench: Bench = {
  name: 'blocks-chromium',
  title: '64 KiB blocks, Chromium',
  peerTitle: 'blockstore-idb 4.0.1',
  rounds: 5,
  needsPeers: true,
  needsChromium: true,
  figures: blockFigures(4),
  prepare: (place) => buildPage(place, 'blocks'),
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
