// What a worker does for a development setup, in slices: multiples of the two generators. Their tables stay with it until they are dropped.

import type { JobContext, SlicedJobs } from '../workers/performjobs.ts'
import { transfer } from '../workers/transfer.ts'
import { inSlices } from './provejobs.ts'
import type { ProveKernel, ResidentBase } from './provekernel.ts'
import type { Group } from './setuparithmetic.ts'

export interface SetupJobs {
  /**
   * As {@link SetupArithmetic.fixedBaseMany}, for some of the scalars.
   * @param expected of all the scalars to come for this group: tables are made for so many
   */
  multiples(group: Group, scalars: Uint8Array, expected: number): Promise<Uint8Array>
  /** Forgets the tables. */
  dropTables(): Promise<void>
}

interface Resident {
  readonly kernel: ProveKernel
  readonly tables: Map<Group, ResidentBase>
}

/** @param load a new kernel */
export function setupJobs(load: () => Promise<ProveKernel>): SlicedJobs<SetupJobs> {
  let resident: Resident | undefined
  return {
    multiples: async (job, group, scalars, expected) => {
      const { kernel, tables } = (resident ??= { kernel: await load(), tables: new Map() })
      const table = tables.get(group) ?? (await placeGenerator(kernel, group, expected, job))
      tables.set(group, table)
      const points: Uint8Array = await inSlices(table.multiples(scalars, 'file'), job)
      return transfer(points, [points.buffer])
    },
    dropTables: async () => void (resident = undefined),
  }
}

async function placeGenerator(
  kernel: ProveKernel,
  group: Group,
  expected: number,
  job: JobContext,
): Promise<ResidentBase> {
  const { generator } = await import('./generator.ts')
  const options = { form: 'file', expected } as const
  return inSlices(kernel.placeBase(group === 'g1' ? 1 : 2, generator(group), options), job)
}
