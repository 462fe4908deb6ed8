// How the tab that runs the node tells the others that something changed. It says that, not what: whoever hears it reads again.

import type { AbortOptions } from '../../lib/abort.ts'
import { raceAbort } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { Scope } from '../../lib/scope.ts'
import type { Seconds } from '../../lib/units.ts'

/** Changes within this span share one message, so that an upload cannot flood the tabs that watch. */
export const TELL_INTERVAL_SECONDS: Seconds = 1

const MESSAGE = 'changed'

export class TabChannel {
  readonly #channel: BroadcastChannel
  readonly #clock: Clock
  readonly #scope = new Scope({
    // Telling is a courtesy: one that fails is made good by the next.
    report: () => undefined,
  })
  #telling = false
  #untold = false
  #heard = withResolver()

  /** @param name of the node; tabs with the same one hear each other */
  constructor(name: string, clock: Clock) {
    this.#channel = new BroadcastChannel(`codex-light/${name}`)
    this.#clock = clock
    this.#channel.addEventListener('message', ({ data }) => {
      if (data === MESSAGE) this.#heard.resolve()
    })
  }

  /** Tells at once, or together with what else changes within {@link TELL_INTERVAL_SECONDS}. Does nothing once closed. */
  tell(): void {
    this.#untold = true
    if (this.#telling || this.#scope.signal.aborted) return
    this.#telling = true
    this.#scope.spawn('telling other tabs', (signal) => this.#tellUntilQuiet(signal))
  }

  /** Yields after other tabs have told of changes, once for all that came while its reader was busy. Ends with the signal's reason. */
  async *changes({ signal }: AbortOptions): AsyncGenerator<void, void> {
    for (;;) {
      await raceAbort(this.#heard.promise, signal)
      this.#heard = withResolver()
      yield
    }
  }

  async close(): Promise<void> {
    await this.#scope.close()
    this.#channel.close()
  }

  async #tellUntilQuiet(signal: AbortSignal): Promise<void> {
    try {
      while (this.#untold) {
        this.#untold = false
        this.#channel.postMessage(MESSAGE)
        await this.#clock.until(this.#clock.now() + TELL_INTERVAL_SECONDS, { signal })
      }
    } finally {
      this.#telling = false
    }
  }
}

interface Resolver {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolver(): Resolver {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
