// Lets others find this node for what it has: each dataset when it is stored, and all of them again and again, because whoever listens forgets.

import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datasets } from '../storage/datasets.ts'
import { treesOf } from '../storage/treeholder.ts'
import type { Discovery } from './discovery.ts'
import { Doorbell } from './doorbell.ts'

/** Between two announcements of everything: half of what the network's nodes remember. */
export const ANNOUNCE_SECONDS: Seconds = 30 * 60
/** CIDs said at once. */
const BATCH_CIDS = 64
/** Stored and not announced yet; what is beyond is announced with the rest. */
const MAX_PENDING = 4096

export interface AnnouncerParts {
  readonly announce: NonNullable<Discovery['announce']>
  readonly datasets: Datasets
  readonly clock: Clock
  readonly log: Log
}

export class Announcer {
  readonly #parts: AnnouncerParts
  readonly #scope: Scope
  readonly #bell = new Doorbell()
  #pending: Cid[] = []

  constructor(parts: AnnouncerParts) {
    this.#parts = parts
    this.#scope = new Scope({ report: (error) => parts.log.error('announcing has stopped', { error }) })
  }

  start(): void {
    this.#parts.datasets.trees.watch((cids) => {
      if (this.#pending.length < MAX_PENDING) this.#pending.push(...cids)
      this.#bell.ring()
    })
    this.#scope.spawn('announce what is stored', (signal) => this.#announceNew(signal))
    this.#scope.spawn('announce all', (signal) => this.#announceAll(signal))
  }

  /** Never rejects. */
  stop(): Promise<void> {
    return this.#scope.close()
  }

  async #announceNew(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#say(this.#pending.splice(0, BATCH_CIDS), signal)
      if (this.#pending.length === 0) await this.#bell.wait({ signal })
    }
  }

  async #announceAll(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    for (;;) {
      try {
        await this.#sayAll(signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!CodexError.is(error)) throw error
        log.warn('could not read all that is here to announce it; it is tried again', { error })
      }
      await clock.until(clock.now() + ANNOUNCE_SECONDS, { signal })
    }
  }

  async #sayAll(signal: AbortSignal): Promise<void> {
    let batch: Cid[] = []
    for await (const { cid, manifest } of this.#parts.datasets.list({ signal })) {
      if (manifest !== undefined) batch.push(cid, ...treesOf(manifest))
      if (batch.length < BATCH_CIDS) continue
      await this.#say(batch, signal)
      batch = []
    }
    await this.#say(batch, signal)
  }

  async #say(cids: readonly Cid[], signal: AbortSignal): Promise<void> {
    if (cids.length === 0) return
    try {
      await this.#parts.announce(cids, { signal })
    } catch (error) {
      signal.throwIfAborted()
      if (!CodexError.is(error)) throw error
      this.#parts.log.warn('could not announce what is here; it is tried again with all the rest', { error })
    }
  }
}
