// Makes a world that went wrong smaller while it still goes wrong: fewer nodes, less time, fewer kinds of trouble. Each try is a world played anew.

import type { SimReport } from './simulate.ts'
import { type SimOptions, TROUBLES } from './simworld.ts'

const GENESIS_SLACK_DAYS = 0.02
export const SECONDS_PER_DAY = 86_400

export interface Shrunk {
  readonly options: SimOptions
  /** Of that world. */
  readonly breach: string
  /** Worlds played. */
  readonly tries: number
}

/** @param play must play what it is given @returns undefined when the world does not go wrong */
export async function shrink(
  failing: SimOptions,
  play: (options: SimOptions) => Promise<SimReport>,
  maxTries = 40,
): Promise<Shrunk | undefined> {
  let tries = 0
  const breachOf = async (options: SimOptions): Promise<{ breach: string; days: number } | undefined> => {
    tries++
    const { breaches, startedAt } = await play({ ...options, untilBreach: true })
    const [breach] = breaches
    if (breach === undefined) return undefined
    const seconds = Number(breach.split(' ', 1)[0]) - startedAt
    return { breach, days: Math.min(options.days, seconds / SECONDS_PER_DAY + GENESIS_SLACK_DAYS) }
  }
  const found = await breachOf(failing)
  if (found === undefined) return undefined
  let best = { options: failing, breach: found.breach }
  const take = async (options: SimOptions): Promise<boolean> => {
    if (tries >= maxTries) return false
    const smaller = await breachOf(options)
    if (smaller === undefined) return false
    best = { options, breach: smaller.breach }
    return true
  }
  await take({ ...failing, days: round(found.days) })
  for (let goesOn = true; goesOn && tries < maxTries;) {
    goesOn = false
    for (const smaller of candidates(best.options))
      if (await take(smaller)) {
        goesOn = true
        break
      }
  }
  return { ...best, tries }
}

/** The boldest first. */
function* candidates(options: SimOptions): Generator<SimOptions> {
  const { hosts, clients, days, without = [] } = options
  if (hosts > 1) yield { ...options, hosts: Math.ceil(hosts / 2) }
  if (clients > 1) yield { ...options, clients: Math.ceil(clients / 2) }
  for (const trouble of TROUBLES) if (!without.includes(trouble)) yield { ...options, without: [...without, trouble] }
  if (hosts > 2) yield { ...options, hosts: hosts - 1 }
  if (days > 0.05) yield { ...options, days: round(days * 0.6) }
}

function round(days: number): number {
  return Math.ceil(days * 100) / 100
}
