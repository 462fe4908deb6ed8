// Protecting a dataset in Chromium, beside what the bare kernels hash in two workers. What runs in the page is protect.page.ts.

import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'
import { PROTECT_FIGURES } from './protectsides.ts'

export const bench: Bench = {
  name: 'protect-chromium',
  title: 'Protecting 256 MiB, 3 of 5, Chromium',
  peerTitle: 'bare kernels in two workers',
  rounds: 3,
  needsChromium: true,
  figures: [
    ...PROTECT_FIGURES,
    { key: 'tabPeakMiB', unit: 'MiB', title: 'peak memory above idle', goal: { of: 'ours', atMost: 400 } },
  ],
  prepare: (place) => buildPage(place, 'protect'),
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    peer: (place) => measureInChromium(place, 'peer'),
  },
}
