// Draining in the background: whoever asks for it does not wait, and may look how far it is.

import type { AbortOptions } from '../lib/abort.ts'
import { ChildAbort } from '../lib/childabort.ts'
import type { Log } from '../lib/log.ts'
import type { Scope } from '../lib/scope.ts'

export interface DrainingParts {
  /** Settles when no sale is left. */
  readonly drain: (options: AbortOptions) => Promise<void>
  readonly background: Scope
  readonly log: Log
}

/** However often it is asked for, one task waits for the last sale. */
export class Draining {
  readonly #parts: DrainingParts
  #underWay: ChildAbort | undefined

  constructor(parts: DrainingParts) {
    this.#parts = parts
  }

  start(): void {
    const { background, drain, log } = this.#parts
    if (this.#underWay !== undefined) return
    const underWay = new ChildAbort(background.signal)
    const { signal } = underWay
    this.#underWay = underWay
    background.spawn('draining', async () => {
      try {
        await drain({ signal })
        log.info('drained: no sale is left and nothing new is taken')
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        underWay.leave()
        if (this.#underWay === underWay) this.#underWay = undefined
      }
    })
  }

  /** New slots are taken again. */
  leaveOff(): void {
    this.#underWay?.abort(new Error('resumed'))
    this.#underWay = undefined
  }
}
