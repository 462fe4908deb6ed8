// The page of field.browser.bench.ts: both sides, on the page's own thread.

import { measureFfjavascript, measureKernel } from './fieldsides.ts'
import type { Sample } from './harness.ts'

const sides = {
  ours: (quick: boolean): Promise<Sample> => measureKernel('relaxed-simd', quick),
  peer: (quick: boolean): Promise<Sample> => measureFfjavascript(quick),
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
