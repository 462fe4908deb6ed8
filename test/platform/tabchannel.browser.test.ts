import { expect, test } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { TELL_INTERVAL_SECONDS, TabChannel } from '../../src/platform/browser/tabchannel.ts'

/** Counts what really crosses, beside the channel under test. */
function eavesdrop(name: string) {
  const channel = new BroadcastChannel(`codex-light/${name}`)
  let count = 0
  let wake = (): void => {}
  channel.addEventListener('message', () => {
    count++
    wake()
  })
  return {
    close: () => channel.close(),
    get count() {
      return count
    },
    async reaches(wanted: number) {
      while (count < wanted) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

test('a burst of changes is one message now and one later', async () => {
  const clock = new ManualClock(100)
  const heard = eavesdrop('burst')
  const leader = new TabChannel('burst', clock)
  for (let i = 0; i < 1000; i++) leader.tell()
  await heard.reaches(1)
  leader.tell()
  expect(heard.count).toBe(1)
  await clock.play(TELL_INTERVAL_SECONDS)
  await heard.reaches(2)
  // Nothing was told in the second interval: the sender rests, without a timer.
  await clock.play(TELL_INTERVAL_SECONDS)
  expect(clock.waiting).toBe(0)
  leader.tell()
  await heard.reaches(3)
  expect(clock.waiting).toBe(1)
  await leader.close()
  expect(clock.waiting).toBe(0)
  leader.tell()
  expect(heard.count).toBe(3)
  heard.close()
})

test('a viewer hears of changes, once for all that came while it was busy', async () => {
  const clock = new ManualClock()
  const leader = new TabChannel('hear', clock)
  const viewer = new TabChannel('hear', clock)
  const heard = eavesdrop('hear')
  const controller = new AbortController()
  const changes = viewer.changes(controller)
  const first = changes.next()
  leader.tell()
  expect(await first).toEqual({ value: undefined, done: false })
  for (let i = 1; i <= 3; i++) {
    leader.tell()
    await clock.play(TELL_INTERVAL_SECONDS)
  }
  await heard.reaches(4)
  expect(await changes.next()).toEqual({ value: undefined, done: false })
  const never = changes.next()
  controller.abort(new Error('closed'))
  await expect(never).rejects.toThrow('closed')
  heard.close()
  await Promise.all([leader.close(), viewer.close()])
})
