// Erasure coding in Chromium, beside copying in memory. What runs in the page is leopard.page.ts.

import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'
import { LEOPARD_FIGURES } from './leopardsides.ts'

export const bench: Bench = {
  name: 'leopard-chromium',
  title: 'Leopard, Chromium',
  peerTitle: 'copy in memory',
  rounds: 5,
  needsChromium: true,
  figures: LEOPARD_FIGURES,
  prepare: (place) => buildPage(place, 'leopard'),
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
