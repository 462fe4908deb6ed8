// Peers that are kept, whether anything is wanted of them or not.

import { expect, test } from 'vitest'

import { PeerFinder } from '../../src/exchange/peerfinder.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'

const PEER = { peerId: undefined, addresses: ['/ip4/192.0.2.1/tcp/8070'] }

test('are connected to at once, again after they were away, and ever more rarely while they are', async () => {
  const clock = new ManualClock(1_000_000)
  const begun = clock.now()
  let isAway = false
  const calls: (readonly [after: number, peerId: string | undefined])[] = []
  const finder = new PeerFinder({
    discovery: { async *providers() {} },
    keep: [PEER],
    wanted: () => [],
    connect: async ({ peerId }) => {
      calls.push([clock.now() - begun, peerId])
      if (isAway) throw new CodexError('network/cannot-connect', 'nobody there')
      return 'them'
    },
    clock,
    log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }),
  })
  finder.start()
  await clock.play(4)
  expect(calls).toEqual([
    [0, undefined],
    [3, 'them'],
  ])
  isAway = true
  calls.length = 0
  await clock.play(120)
  expect(calls.length).toBeGreaterThan(3)
  expect(calls.length).toBeLessThan(8)
  isAway = false
  await clock.play(100)
  expect((calls.at(-1)?.[0] ?? 0) - (calls.at(-2)?.[0] ?? 0)).toBe(3)
  await finder.stop()
  expect(clock.waiting).toBe(0)
})
