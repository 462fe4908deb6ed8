// What a worker keeps of proving keys between jobs: the points of its parts, in a kernel of their own for each key. It decides nothing: which part
// belongs where, and when one goes, is said from outside.

import { CodexError } from '../lib/errors.ts'
import type { ProveKernel, Resident } from './provekernel.ts'
import type { WitnessCalculator } from './witnesscalculator.ts'

/** The long sections of a proving key that are points. */
export const POINT_SETS = ['a', 'b1', 'b2', 'c', 'h'] as const
export type PointSetName = (typeof POINT_SETS)[number]

/** A part of a key: a range of each point set; part 0 has the coefficients too. */
export class ResidentPart {
  /** False while it is being brought: a job that finds it so at its start sees what an aborted one left. */
  isWhole = false
  readonly points = new Map<PointSetName, Resident>()
  coefficients: Resident | undefined

  free(): void {
    for (const points of this.points.values()) points.free()
    this.points.clear()
    this.coefficients?.free()
    this.coefficients = undefined
  }
}

export class ResidentKey {
  readonly kernel: ProveKernel
  readonly parts = new Map<number, ResidentPart>()
  /** Kept for the next witness: bringing one up costs as much as some slices. */
  calculator: WitnessCalculator | undefined

  constructor(kernel: ProveKernel) {
    this.kernel = kernel
  }

  /** @throws CodexError `proving/part-missing` where it was not brought, or not to its end */
  part(index: number): ResidentPart {
    const part = this.parts.get(index)
    if (part?.isWhole === true) return part
    throw new CodexError('proving/part-missing', `expected part ${index} of the key in this worker, found none`, {
      detail: { part: index },
    })
  }

  /** Drops what an aborted job left half brought. */
  tidy(): void {
    for (const [index, part] of this.parts) {
      if (part.isWhole) continue
      part.free()
      this.parts.delete(index)
    }
  }
}
