// Known bugs that can be put into a simulated provider by name, to see that the simulation finds them. Each spoils one seam of the real node.

import type { SalesParts } from '../../src/sales/sales.ts'

export type Plant = (seams: SalesParts) => SalesParts

export const PLANTS: Readonly<Record<string, Plant>> = {}

export function planted(plants: readonly Plant[], seams: SalesParts): SalesParts {
  return plants.reduce((spoiled, plant) => plant(spoiled), seams)
}
