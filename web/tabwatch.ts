// Whether this tab is seen, and whether the browser slows its timers down or froze it: what a person who sells from it has to know.

import { signal } from '@preact/signals'

export interface TabFacts {
  /** Milliseconds since 1970; undefined while it is seen. */
  readonly hiddenSinceMs: number | undefined
  /** How late the page's own timers come. */
  readonly lateMs: number
  /** When the browser froze it last, and until when. */
  readonly frozen: { readonly fromMs: number; readonly untilMs: number } | undefined
}

const TICK_MS = 1000
const THROTTLED_MS = 5000

export function watchTab(closing: AbortSignal) {
  const hiddenNow = (): number | undefined => (document.visibilityState === 'hidden' ? Date.now() : undefined)
  const facts = signal<TabFacts>({ hiddenSinceMs: hiddenNow(), lateMs: 0, frozen: undefined })
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
    facts.value = { ...facts.value, lateMs }
  }, TICK_MS)
  closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  return facts
}

/** In words, with advice. */
export function tellTab({ hiddenSinceMs, lateMs, frozen }: TabFacts): {
  readonly words: string
  readonly isBad: boolean
} {
  const at = (ms: number): string => new Date(ms).toLocaleTimeString()
  if (frozen !== undefined)
    return {
      words: `The browser froze this tab from ${at(frozen.fromMs)} to ${at(frozen.untilMs)}, and nothing was proven meanwhile: keep the tab in a window of its own, or tell the browser to keep this site active.`,
      isBad: true,
    }
  if (hiddenSinceMs !== undefined)
    return {
      words: `This tab is hidden since ${at(hiddenSinceMs)}${lateMs > THROTTLED_MS ? ', and the browser slows its timers down' : ''}. It goes on proving from a worker: do not close it, and keep the computer awake.`,
      isBad: false,
    }
  return {
    words: 'This tab is in sight. It goes on proving when hidden; closed or asleep it misses proofs.',
    isBad: false,
  }
}
