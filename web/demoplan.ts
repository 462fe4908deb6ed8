// A provider in the demo that serves this page: everything comes from there.

import type * as BrowserRoom from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { MiB } from '../src/lib/units.ts'
import { circuitBeside } from './circuitbeside.ts'
import { demoKey } from './demokey.ts'
import { type DemoOffer, noteSelling } from './demooffer.ts'
import type { SellPlan } from './sellplan.ts'

const TERMS = {
  totalSize: 64 * MiB,
  minPricePerBytePerSecond: 1n,
  totalCollateral: 10n ** 12n,
  duration: 30 * 86_400,
}

export function demoPlan(room: Pick<typeof BrowserRoom, 'openKeys'>, demo: DemoOffer): SellPlan {
  const { ethProvider, marketplace, bootstrap, circuitShape } = demo
  return {
    place: { ethProvider, marketplace, bootstrap, circuitShape },
    key: (node) => demoKey(room, node, demo),
    circuit: async (signal) => {
      const circuit = await circuitBeside(signal)
      if (circuit !== undefined) return circuit
      throw new CodexError('page/no-circuit', 'this page came without a circuit to prove with')
    },
    terms: TERMS,
    demo,
    note: () => noteSelling(demo),
  }
}
