// Upload of a file in Chromium until it is durable, beside the floor there. What runs in the page is upload.page.ts.

import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'

export const bench: Bench = {
  name: 'upload-chromium',
  title: 'Upload of 256 MiB, Chromium',
  peerTitle: 'WebCrypto sha256 + OPFS append + one flush',
  rounds: 5,
  needsChromium: true,
  figures: [{ key: 'mibPerSecond', unit: 'MiB/s', title: 'speed' }],
  prepare: (place) => buildPage(place, 'upload'),
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
