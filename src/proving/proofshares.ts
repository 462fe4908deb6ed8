// Who does what of a proof: cuts a proving key into parts that take equally long, one for each thread. It starts nothing.

import type { KeyBlocks } from './keyblocks.ts'
import { POINT_SETS, type PointSetName } from './residentkey.ts'

/** Blocks from the first to before the last. */
export interface BlockRange {
  readonly from: number
  readonly to: number
}

export type PartShare = Readonly<Record<PointSetName, BlockRange>>

export interface ProofShares {
  /** Part 0 computes the quotient too, so its ranges are shorter. */
  readonly parts: readonly PartShare[]
  /** How much of a proof each step is, all parts of a set together; their sum is 1. */
  readonly costs: Readonly<Record<PointSetName | 'quotient', number>>
}

/** What a point of G2 costs more than one of G1, and the quotient per element of the domain. Measured; see README's table of stages. */
const COST_G2 = 3.2
const COST_QUOTIENT = 0.45

export function proofShares(key: KeyBlocks, partCount: number): ProofShares {
  const sums = new Map(POINT_SETS.map((set) => [set, total(key.finitePerBlock(set))]))
  const costOf = (set: PointSetName): number => (sums.get(set) ?? 0) * (set === 'b2' ? COST_G2 : 1)
  const points = POINT_SETS.reduce((sum, set) => sum + costOf(set), 0)
  const quotient = COST_QUOTIENT * key.zkey.header.domainSize
  const each = (points + quotient) / partCount
  const firstShare = points === 0 ? 0 : Math.max(0, each - quotient) / points
  const others = partCount === 1 ? 0 : (1 - firstShare) / (partCount - 1)
  const parts = Array.from({ length: partCount }, (_, part) =>
    shareOf(
      key,
      part === 0
        ? [0, partCount === 1 ? 1 : firstShare]
        : [firstShare + (part - 1) * others, firstShare + part * others],
    ),
  )
  const all = points + quotient
  const costs = Object.fromEntries(POINT_SETS.map((set) => [set, costOf(set) / all])) as Record<PointSetName, number>
  return { parts, costs: { ...costs, quotient: quotient / all } }
}

function shareOf(key: KeyBlocks, [start, end]: readonly [number, number]): PartShare {
  const ranges = POINT_SETS.map((set) => {
    const finite = key.finitePerBlock(set)
    return [set, { from: cut(finite, start), to: cut(finite, end) }] as const
  })
  return Object.fromEntries(ranges) as Record<PointSetName, BlockRange>
}

/** The block at which `share` of all points is reached. */
function cut(finite: readonly number[], share: number): number {
  if (share > 1 - 1e-9) return finite.length
  const wanted = share * total(finite)
  let sum = 0
  for (const [block, count] of finite.entries()) {
    if (sum + count / 2 >= wanted) return block
    sum += count
  }
  return finite.length
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
