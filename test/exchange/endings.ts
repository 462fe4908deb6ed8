// What a test on real connections has begun, and how all of it ends.

import { afterEach } from 'vitest'

import type { NetworkNode, NetworkNodeOptions } from '../fakes/networknodes.ts'
import { networkNode } from '../fakes/networknodes.ts'

export interface Endings {
  /** Called when the test is over, the last one first. */
  readonly ends: (() => Promise<void>)[]
  /** Lives as long as the test. */
  node(options?: NetworkNodeOptions): Promise<NetworkNode>
}

/** To be called once by a file of tests. */
export function endingsAfterEach(): Endings {
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  return {
    ends,
    async node(options) {
      const made = await networkNode(options)
      ends.push(() => made.stop())
      return made
    },
  }
}
