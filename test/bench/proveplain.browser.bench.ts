// A proof of the full circuit in a page of Chromium that is not cross-origin isolated, beside one that is: what copies cost where memory cannot be shared.

import { bench as isolated } from './prove.browser.bench.ts'
import type { Bench } from './harness.ts'
import { measureInChromium } from './inchromium.ts'
import { SPEED } from './provesides.ts'

export const bench: Bench = {
  ...isolated,
  name: 'prove-chromium-plain',
  title: 'Full proof, Chromium, not isolated, 2 workers',
  peerTitle: 'the same, isolated',
  figures: [{ ...SPEED, goal: { of: 'ratio', atLeast: 0.9 } }],
  sides: {
    ours: (place) => measureInChromium(place, 'ours', { isolated: false }),
    peer: (place) => measureInChromium(place, 'ours'),
  },
}
