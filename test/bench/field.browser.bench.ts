// Transforms and sums of products by the relaxed SIMD field kernel in Chromium, beside ffjavascript there. What runs in the page is field.page.ts.

import { fieldFigures } from './fieldsides.ts'
import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'

export const bench: Bench = {
  name: 'field-chromium',
  title: 'Field kernel, relaxed SIMD, Chromium',
  peerTitle: 'ffjavascript, one thread',
  rounds: 3,
  needsChromium: true,
  figures: fieldFigures(0.33),
  prepare: (place) => buildPage(place, 'field'),
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
