// Block hashes by the relaxed SIMD kernel in Chromium, beside plain C. What runs in the page is poseidon2.page.ts.

import type { Bench } from './harness.ts'
import { buildPage, measureInChromium } from './inchromium.ts'
import { buildNative, hasClang, measureNative } from './poseidon2native.ts'
import { poseidon2Figures } from './poseidon2sides.ts'

export const bench: Bench = {
  name: 'poseidon2-chromium',
  title: 'Poseidon2, relaxed SIMD, Chromium',
  ...(hasClang() ? { peerTitle: 'plain C, clang -O3' } : {}),
  rounds: 5,
  needsChromium: true,
  figures: poseidon2Figures(0.75),
  async prepare(place) {
    await buildPage(place, 'poseidon2')
    if (hasClang()) buildNative(place)
  },
  sides: {
    ours: (place) => measureInChromium(place, 'ours'),
    ...(hasClang() ? { peer: async (place) => measureNative(place) } : {}),
  },
}
