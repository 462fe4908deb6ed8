// CodexNode: the parts of a node, born in the order of their needs and ended in reverse. What runs where is decided by nodejs.ts and browser.ts.

import type { AbortOptions } from './lib/abort.ts'
import type { Clock } from './lib/clock.ts'
import type { Log } from './lib/log.ts'
import { Slots } from './slots/slots.ts'
import type { Compute } from './slots/slotsparts.ts'
import { Datasets } from './storage/datasets.ts'
import type { Datastore } from './storage/datastore.ts'
import type { Hasher } from './storage/hasher.ts'
import type { MaintenanceSettings } from './storage/maintenance.ts'
import { Maintenance } from './storage/maintenance.ts'
import type { RepoStoreSettings } from './storage/repostore.ts'
import { RepoStore } from './storage/repostore.ts'
import type { SlabFile } from './storage/slabfile.ts'

/** What a platform hands over; all of it belongs to the node from then on. */
export interface NodeParts {
  readonly datastore: Datastore
  readonly slab: SlabFile
  readonly hasher: Hasher
  /** Brings up whoever computes on threads; called when that is first needed, if ever. */
  readonly compute: () => Promise<Compute>
  readonly clock: Clock
  readonly log: Log
  /** Lets go of what keeps others out of this node's data; called last. */
  readonly release: () => Promise<void>
}

export type NodeSettings = RepoStoreSettings & MaintenanceSettings

export class CodexNode {
  readonly repo: RepoStore
  readonly datasets: Datasets
  readonly slots: Slots
  readonly #maintenance: Maintenance
  readonly #parts: NodeParts
  #stopped: Promise<void> | undefined

  constructor(parts: NodeParts, settings: NodeSettings = {}) {
    const { clock } = parts
    this.#parts = parts
    this.repo = new RepoStore({ ...parts, log: parts.log.topic('repostore') }, settings)
    this.datasets = new Datasets(this.repo, parts.log.topic('datasets'))
    this.slots = new Slots({ repo: this.repo, datasets: this.datasets, compute: parts.compute })
    this.#maintenance = new Maintenance(
      { repo: this.repo, datasets: this.datasets, clock, log: parts.log.topic('maintenance') },
      settings,
    )
  }

  /** Puts right what a crash left, then looks after expiry in the background until {@link CodexNode.stop}. */
  async start(options: AbortOptions): Promise<void> {
    await this.datasets.recover(options)
    this.#maintenance.start(options)
  }

  /** Nothing of this node runs or holds its data once settled. A second call waits for the first. Never rejects. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#maintenance.stop()
    const { slab, datastore, release, log } = this.#parts
    for (const close of [
      () => this.slots.close(),
      () => this.datasets.close(),
      () => this.repo.close(),
      () => slab.close(),
      () => datastore.close(),
      release,
    ])
      // One part that fails to close must not keep the next from closing.
      await close().catch((error: unknown) => log.error('a part of the node failed to stop', { error }))
  }
}
