// Erasure coding in Node, beside copying in memory. What it does is in leopardsides.ts.

import type { Bench } from './harness.ts'
import { LEOPARD_FIGURES, leopardSides } from './leopardsides.ts'

export const bench: Bench = {
  name: 'leopard',
  title: 'Leopard, Node',
  peerTitle: 'copy in memory',
  rounds: 5,
  figures: LEOPARD_FIGURES,
  sides: {
    ours: ({ quick }) => leopardSides.ours(quick),
    peer: ({ quick }) => leopardSides.peer(quick),
  },
}
