// Draining in the background, asked for again and again.

import { expect, test } from 'vitest'
import { raceAbort } from '../../src/lib/abort.ts'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { Scope } from '../../src/lib/scope.ts'
import { Draining } from '../../src/rest/draining.ts'

function setup() {
  const failures: unknown[] = []
  const background = new Scope({ report: (error) => failures.push(error) })
  const told: string[] = []
  const log = new Log({
    ...{ clock: new ManualClock(0), levels: new LogLevels('info') },
    sinks: [({ message }) => told.push(message)],
  })
  const ends: (() => void)[] = []
  const drain = ({ signal }: { readonly signal: AbortSignal }) =>
    raceAbort(new Promise<void>((resolve) => ends.push(resolve)), signal)
  return { draining: new Draining({ background, log, drain }), background, told, ends, failures }
}

test('it is one task however often it is asked for, and tells its end once', async () => {
  const { draining, background, told, ends } = setup()
  for (let i = 0; i < 1000; i++) draining.start()
  expect([ends.length, background.running]).toEqual([1, ['draining']])
  ends[0]?.()
  await expect.poll(() => told).toEqual(['drained: no sale is left and nothing new is taken'])
  draining.start()
  expect(ends).toHaveLength(2)
  await background.close()
})

test('it ends where selling is resumed, untold, and begins anew where it is asked for again', async () => {
  const { draining, background, told, ends, failures } = setup()
  draining.start()
  draining.leaveOff()
  draining.start()
  expect(ends).toHaveLength(2)
  ends[0]?.()
  await expect.poll(() => background.running).toEqual(['draining'])
  expect(told).toEqual([])
  ends[1]?.()
  await expect.poll(() => told).toHaveLength(1)
  await background.close()
  expect(failures).toEqual([])
})
