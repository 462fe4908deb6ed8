// Plays one simulated world and says what came of it. The numbers depend on nothing but the options.

import type { Seconds } from '../../src/lib/units.ts'
import type { Settle, SimOptions } from './simworld.ts'
import { GENESIS, SimWorld } from './simworld.ts'

export interface SimReport {
  readonly seed: number
  readonly steps: number
  readonly days: number
  readonly breaches: readonly string[]
  readonly coverage: Readonly<Record<string, number>>
  /** SHA-256 over everything that was delivered, in hex. */
  readonly history: string
  /** Of the virtual time that breaches tell. */
  readonly startedAt: Seconds
  /** In virtual time, when everything had come to its end. */
  readonly endedAt: Seconds
}

export async function simulate(options: SimOptions, settle: Settle): Promise<SimReport> {
  const world = new SimWorld(options, settle)
  await world.play()
  return {
    seed: options.seed,
    steps: world.history.steps,
    days: options.days,
    breaches: world.referee.breaches,
    coverage: world.history.coverage(),
    history: world.history.digest(),
    startedAt: GENESIS,
    endedAt: world.now(),
  }
}
