// How fast simulated worlds go: virtual days for a minute of the processor.

import { settling } from '../simulation/settle.ts'
import { simulate } from '../simulation/simulate.ts'
import { SECONDS_PER_DAY } from '../simulation/shrink.ts'
import type { Bench, Place, Sample } from './harness.ts'

export const bench: Bench = {
  name: 'simulation',
  title: 'Simulation, 20 hosts and 5 clients, period 120 s',
  rounds: 1,
  figures: [
    { key: 'daysPerMinute', unit: 'days', title: 'for a minute of one core', goal: { of: 'ours', atLeast: 5 } },
    { key: 'stepsPerSecond', unit: 'steps', title: 'delivered events a second of one core' },
  ],
  sides: { ours: daysPerMinute },
}

async function daysPerMinute({ quick }: Place): Promise<Sample> {
  const options = { seed: 1, hosts: 20, clients: 5, days: quick ? 0.1 : 3 }
  const begin = process.cpuUsage()
  const { steps, endedAt, startedAt } = await settling((settle) => simulate(options, settle))
  const { user, system } = process.cpuUsage(begin)
  const seconds = (user + system) / 1e6
  return {
    daysPerMinute: ((endedAt - startedAt) / SECONDS_PER_DAY) * (60 / seconds),
    stepsPerSecond: steps / seconds,
  }
}
