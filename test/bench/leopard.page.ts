// The page of leopard.browser.bench.ts.

import { leopardSides } from './leopardsides.ts'

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: leopardSides })
