// The page of poseidon2.browser.bench.ts: only ours, what it is compared with runs outside.

import type { Sample } from './harness.ts'
import { measureKernel } from './poseidon2sides.ts'

const sides = { ours: (quick: boolean): Promise<Sample> => measureKernel('relaxed-simd', quick) }

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
