// What the browser did to the tab is told as history beside how it is now, and not for ever.

import { afterEach, expect, test } from 'vitest'

import { tellTab, watchTab, withoutOld } from '../../web/tabwatch.ts'

const NOW = 1_700_000_000_000
const SEEN = { hiddenSinceMs: undefined, lateMs: 0, frozen: undefined, backMs: undefined }

afterEach(() => {
  for (const name of ['visibilityState', 'wasDiscarded']) Reflect.deleteProperty(document, name)
})

test('a freeze masks neither that the tab is hidden nor that it is throttled, and is forgotten after a while', () => {
  const frozen = { fromMs: NOW - 90_000, untilMs: NOW - 30_000 }
  const told = tellTab({ ...SEEN, hiddenSinceMs: NOW - 10_000, lateMs: 60_000, frozen })
  expect(told.now).toMatch(/^This tab is hidden since .+, and the browser slows its timers down\./)
  expect(told.before).toEqual([
    expect.stringMatching(/^The browser froze this tab from .+ to .+, and nothing was proven/),
  ])
  expect(tellTab({ ...SEEN, frozen }).now).toMatch(/^This tab is in sight\./)
  expect(withoutOld({ ...SEEN, frozen }, NOW).frozen).toBe(frozen)
  expect(tellTab(withoutOld({ ...SEEN, frozen, backMs: NOW }, NOW + 2 * 3_600_000)).before).toEqual([])
})

test('the tab hears of hiding, of a freeze, and of having been discarded', async () => {
  const closing = new AbortController()
  Object.defineProperty(document, 'wasDiscarded', { configurable: true, value: true })
  const facts = watchTab(closing.signal)
  expect(tellTab(facts.value).before).toEqual([
    expect.stringMatching(/^The browser discarded this tab, and nothing was proven until it came back at \d/),
  ])
  document.dispatchEvent(new Event('freeze'))
  document.dispatchEvent(new Event('resume'))
  expect(facts.value.frozen).toMatchObject({ fromMs: expect.any(Number) as number })
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' })
  document.dispatchEvent(new Event('visibilitychange'))
  expect(tellTab(facts.value).now).toMatch(/^This tab is hidden since/)
  expect(tellTab(facts.value).before).toHaveLength(2)
  closing.abort()
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'visible' })
  document.dispatchEvent(new Event('visibilitychange'))
  expect(facts.value.hiddenSinceMs).toBeDefined()
})
