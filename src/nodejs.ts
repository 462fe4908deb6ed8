// The composition root for Node: LevelDB and a plain file in a data folder, native sha256. Choices only; what they make is in node.ts.

import type { Clock } from './lib/clock.ts'
import type { Log } from './lib/log.ts'
import type { NodeSettings } from './node.ts'
import { CodexNode } from './node.ts'
import { openDataFolder } from './platform/nodejs/datafolder.ts'
import { NativeHasher } from './platform/nodejs/nativehasher.ts'
import type { Compute } from './slots/slotsparts.ts'
import { DEFAULT_MAINTENANCE_BLOCKS, DEFAULT_MAINTENANCE_INTERVAL_SECONDS } from './storage/maintenance.ts'
import { DEFAULT_BLOCK_TTL_SECONDS, DEFAULT_QUOTA_BYTES } from './storage/repostore.ts'

/** What a node does where its settings are silent, for those who show settings to people. */
export const NODE_DEFAULTS = {
  quotaBytes: DEFAULT_QUOTA_BYTES,
  blockTtlSeconds: DEFAULT_BLOCK_TTL_SECONDS,
  intervalSeconds: DEFAULT_MAINTENANCE_INTERVAL_SECONDS,
  blocksPerRun: DEFAULT_MAINTENANCE_BLOCKS,
} as const satisfies Required<NodeSettings>

export interface NodejsOptions extends NodeSettings {
  /** Folder of this node and no other; made when missing. */
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * A node over the data folder, not started yet; `stop` lets go of the folder.
 * @throws CodexError as {@link openDataFolder}, `units/not-a-size` for a bad quota
 */
export async function openNode({ dataDir, clock, log, ...settings }: NodejsOptions): Promise<CodexNode> {
  const { release: releaseFolder, ...stores } = await openDataFolder(dataDir)
  const hasher = new NativeHasher()
  const release = (): Promise<void> => {
    hasher.close()
    return releaseFolder()
  }
  try {
    return new CodexNode({ ...stores, release, clock, log, hasher, compute: () => openCompute(clock) }, settings)
  } catch (error) {
    // Bad settings must not leave the folder locked.
    await stores.slab.close()
    await stores.datastore.close()
    await release()
    throw error
  }
}

/** Loaded when first asked for: most verbs compute nothing, and are to start fast. */
async function openCompute(clock: Clock): Promise<Compute> {
  const [{ pooledCompute }, { computeWorkers }] = await Promise.all([
    import('./slots/pooledcompute.ts'),
    import('./platform/nodejs/computeworkers.ts'),
  ])
  return pooledCompute(computeWorkers(), clock)
}
