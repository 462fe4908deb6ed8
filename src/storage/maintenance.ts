// The loop that lets expired blocks go: a bounded batch at each interval, from a place remembered across restarts.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Seconds } from '../lib/units.ts'
import { Scope } from '../lib/scope.ts'
import { decodeCid, isManifestCid } from '../protocol/cid.ts'
import { decodeBlockRecord } from './blockrecord.ts'
import type { Change, Key } from './datastore.ts'
import type { Datasets } from './datasets.ts'
import { dropExpired, isExpired } from './dropblock.ts'
import type { RepoStore } from './repostore.ts'
import { textKey } from './storagekey.ts'
import { BLOCKS_PREFIX } from './storeparts.ts'

export const DEFAULT_MAINTENANCE_INTERVAL_SECONDS: Seconds = 10 * 60
export const DEFAULT_MAINTENANCE_BLOCKS = 1000

export interface MaintenanceSettings {
  readonly intervalSeconds?: Seconds | undefined
  /** Records looked at in one run. */
  readonly blocksPerRun?: number | undefined
}

/** Holds the key of the record looked at last; absent when the next run begins at the first. */
const OFFSET_KEY: Key = textKey('meta/maintenance/offset')

export class Maintenance {
  readonly #repo: RepoStore
  readonly #datasets: Datasets
  readonly #clock: Clock
  readonly #log: Log
  readonly #intervalSeconds: Seconds
  readonly #blocksPerRun: number
  #scope: Scope | undefined

  constructor(
    parts: { readonly repo: RepoStore; readonly datasets: Datasets; readonly clock: Clock; readonly log: Log },
    settings: MaintenanceSettings = {},
  ) {
    this.#repo = parts.repo
    this.#datasets = parts.datasets
    this.#clock = parts.clock
    this.#log = parts.log
    this.#intervalSeconds = atLeastOne(
      settings.intervalSeconds ?? DEFAULT_MAINTENANCE_INTERVAL_SECONDS,
      'interval in seconds',
    )
    this.#blocksPerRun = atLeastOne(settings.blocksPerRun ?? DEFAULT_MAINTENANCE_BLOCKS, 'number of records in a run')
  }

  /** @param options `ready` settles when the first run may begin; at once by default. Rejects only with its signal's reason */
  start({
    signal,
    ready = async () => undefined,
  }: AbortOptions & { readonly ready?: ((options: AbortOptions) => Promise<void>) | undefined }): void {
    if (this.#scope !== undefined) return
    this.#scope = new Scope({
      signal,
      report: (error) => this.#log.error('maintenance has stopped: expired blocks stay until a restart', { error }),
    })
    this.#scope.spawn('maintenance', (own) => this.#loop(own, ready))
  }

  async stop(): Promise<void> {
    await this.#scope?.close()
    this.#scope = undefined
  }

  /** One run. @returns how many blocks it dropped */
  async run({ signal }: AbortOptions): Promise<number> {
    const { datastore } = this.#repo.parts
    const after = await datastore.get(OFFSET_KEY)
    const now = this.#repo.parts.clock.now()
    const expired: Key[] = []
    let looked = 0
    let last: Key | undefined
    for await (const [key, sealed] of datastore.entries(BLOCKS_PREFIX, { signal, ...(after && { after }) })) {
      if (this.#isExpired(key, sealed, now)) expired.push(key)
      last = key
      if (++looked >= this.#blocksPerRun) break
    }
    const reachedEnd = looked < this.#blocksPerRun || last === undefined
    const dropped = await this.#drop(
      expired,
      reachedEnd ? { drop: OFFSET_KEY } : { put: OFFSET_KEY, value: last as Key },
      signal,
    )
    if (dropped > 0) await this.#repo.trim()
    return dropped
  }

  /** A damaged record is reported and stepped over: it must not hold up all that comes behind it. */
  #isExpired(key: Key, sealed: Uint8Array, now: Seconds): boolean {
    try {
      return isExpired(decodeBlockRecord(key, sealed), now)
    } catch (error) {
      this.#log.error('maintenance met a damaged record', { error })
      return false
    }
  }

  async #drop(expired: readonly Key[], offset: Change, signal: AbortSignal): Promise<number> {
    const cidOf = (key: Key) => decodeCid(key.slice(BLOCKS_PREFIX.length))
    const manifests = expired.filter((key) => isManifestCid(cidOf(key)))
    // A manifest takes its tree's leaves with it.
    let removed = 0
    for (const key of manifests)
      if ((await this.#datasets.remove(cidOf(key), { signal, onlyExpired: true })) === 'removed') removed++
    const blocks = expired.filter((key) => !isManifestCid(cidOf(key)))
    return removed + (await dropExpired(this.#repo.parts, blocks, [offset]))
  }

  async #loop(signal: AbortSignal, ready: (options: AbortOptions) => Promise<void>): Promise<void> {
    await ready({ signal })
    for (;;) {
      try {
        const dropped = await this.run({ signal })
        if (dropped > 0) this.#log.info('expired blocks dropped', { blocks: dropped })
      } catch (error) {
        signal.throwIfAborted()
        this.#log.error('maintenance run failed; the next one begins at the same place', { error })
      }
      await this.#clock.until(this.#clock.now() + this.#intervalSeconds, { signal })
    }
  }
}

/** @throws CodexError `maintenance/bad-setting` */
function atLeastOne(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new CodexError(
    'maintenance/bad-setting',
    `the maintenance ${what} must be a whole number from 1, found ${value}`,
  )
}
