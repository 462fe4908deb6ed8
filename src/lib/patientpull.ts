// Pulls from a source that may be silent for weeks, with looks at something else in between.

import type { AbortOptions } from './abort.ts'
import { ChildAbort } from './childabort.ts'
import type { Clock } from './clock.ts'
import { CodexError } from './errors.ts'
import type { Seconds } from './units.ts'

/** Ends timers; one for all, because an error remembers where it was made, which costs. */
const CAME = new CodexError('pull/came', 'what was pulled came before its time was over')

type Pulled<T> =
  { readonly ok: true; readonly value: IteratorResult<T, undefined> } | { readonly ok: false; readonly error: unknown }

/** For one reader. Always one ahead of it. */
export class PatientPull<T> {
  readonly #source: AsyncIterator<T, void>
  readonly #clock: Clock
  #pulled: Pulled<T> | undefined
  #timer: ChildAbort | undefined

  /** Pulls at once. */
  constructor(source: AsyncIterator<T, void>, clock: Clock) {
    this.#source = source
    this.#clock = clock
    this.#pull()
  }

  /**
   * What comes next; undefined where nothing came in this time: then the next call waits for the same. Rejects with the signal's reason, and
   * @throws what the source throws
   */
  async atMost(seconds: Seconds, { signal }: AbortOptions): Promise<IteratorResult<T, undefined> | undefined> {
    const timer = (this.#timer = new ChildAbort(signal))
    try {
      if (this.#pulled === undefined) await this.#clock.until(this.#clock.now() + seconds, { signal: timer.signal })
    } catch (error) {
      if (timer.signal.reason !== CAME) throw error
    } finally {
      timer.leave()
    }
    const pulled = this.#pulled
    if (pulled === undefined) return undefined
    if (!pulled.ok) throw pulled.error
    if (pulled.value.done === true) return pulled.value
    this.#pulled = undefined
    this.#pull()
    return pulled.value
  }

  /** Once for each piece, however many calls it takes: what each left with the promise would stay while the source is silent. */
  #pull(): void {
    const come = (pulled: Pulled<T>): void => {
      this.#pulled = pulled
      this.#timer?.abort(CAME)
    }
    this.#source.next().then(
      (next) => come({ ok: true, value: next.done === true ? { done: true, value: undefined } : next }),
      (error: unknown) => come({ ok: false, error }),
    )
  }
}
