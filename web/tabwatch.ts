// Whether this tab is seen, whether the browser slows its timers down, and whether it froze or discarded it of late: what a person who sells from it has to know.

import { signal } from '@preact/signals'

/** In milliseconds since 1970. */
export interface Absence {
  readonly fromMs: number
  readonly untilMs: number
}

export interface TabFacts {
  /** Milliseconds since 1970; undefined while it is seen. */
  readonly hiddenSinceMs: number | undefined
  /** How late the page's own timers come. */
  readonly lateMs: number
  /** When the browser froze it last; undefined when that is long ago. */
  readonly frozen: Absence | undefined
  /** When it came back after the browser had discarded it; undefined when that is long ago, or never was. */
  readonly backMs: number | undefined
}

const TICK_MS = 1000
const THROTTLED_MS = 5000
/** So long what the browser did to the tab is told of: afterwards it says nothing about now. */
const TOLD_MS = 3_600_000

export function watchTab(closing: AbortSignal) {
  const hiddenNow = (): number | undefined => (document.visibilityState === 'hidden' ? Date.now() : undefined)
  const { wasDiscarded } = document as { readonly wasDiscarded?: boolean }
  const facts = signal<TabFacts>({
    hiddenSinceMs: hiddenNow(),
    lateMs: 0,
    frozen: undefined,
    backMs: wasDiscarded === true ? performance.timeOrigin : undefined,
  })
  const options = { signal: closing }
  document.addEventListener(
    'visibilitychange',
    () => (facts.value = { ...facts.value, hiddenSinceMs: hiddenNow() }),
    options,
  )
  let frozenMs: number | undefined
  document.addEventListener('freeze', () => (frozenMs = Date.now()), options)
  document.addEventListener(
    'resume',
    () => {
      if (frozenMs !== undefined) facts.value = { ...facts.value, frozen: { fromMs: frozenMs, untilMs: Date.now() } }
      frozenMs = undefined
    },
    options,
  )
  let dueMs = performance.now() + TICK_MS
  const timer = setInterval(() => {
    const lateMs = Math.max(0, performance.now() - dueMs)
    dueMs = performance.now() + TICK_MS
    facts.value = withoutOld({ ...facts.value, lateMs }, Date.now())
  }, TICK_MS)
  closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  return facts
}

export function withoutOld(facts: TabFacts, nowMs: number): TabFacts {
  const isOld = (ms: number | undefined): boolean => ms !== undefined && nowMs - ms > TOLD_MS
  return {
    ...facts,
    frozen: isOld(facts.frozen?.untilMs) ? undefined : facts.frozen,
    backMs: isOld(facts.backMs) ? undefined : facts.backMs,
  }
}

export interface TabWords {
  /** How it is now. */
  readonly now: string
  /** What the browser did to it of late, with advice. */
  readonly before: readonly string[]
}

export function tellTab({ hiddenSinceMs, lateMs, frozen, backMs }: TabFacts): TabWords {
  const at = (ms: number): string => new Date(ms).toLocaleTimeString()
  const before: string[] = []
  if (backMs !== undefined)
    before.push(
      `The browser discarded this tab, and nothing was proven until it came back at ${at(backMs)}: keep the tab in a window of its own, or tell the browser to keep this site active.`,
    )
  if (frozen !== undefined)
    before.push(
      `The browser froze this tab from ${at(frozen.fromMs)} to ${at(frozen.untilMs)}, and nothing was proven meanwhile: keep the tab in a window of its own, or tell the browser to keep this site active.`,
    )
  return { before, now: tellNow(hiddenSinceMs, lateMs > THROTTLED_MS, at) }
}

function tellNow(hiddenSinceMs: number | undefined, isThrottled: boolean, at: (ms: number) => string): string {
  const slow = isThrottled ? ', and the browser slows its timers down' : ''
  return hiddenSinceMs === undefined
    ? `This tab is in sight${slow}. It goes on proving when hidden; closed or asleep it misses proofs.`
    : `This tab is hidden since ${at(hiddenSinceMs)}${slow}. It goes on proving from a worker: do not close it, and keep the computer awake.`
}
