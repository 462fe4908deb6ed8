// `npm run sim -- --seed S --hosts N --clients M --days D [--plant NAME] [--json]`: plays one world and prints what came of it.

import { parseArgs } from 'node:util'
import { PLANTS } from './plants.ts'
import { settling } from './settle.ts'
import { simulate } from './simulate.ts'

/** @returns the exit code: 0 when nothing was breached, 1 when something was, 2 for bad arguments */
export async function runSimulation(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      hosts: { type: 'string', default: '5' },
      clients: { type: 'string', default: '2' },
      days: { type: 'string', default: '1' },
      steps: { type: 'string' },
      plant: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  })
  const [seed, hosts, clients, days] = [values.seed, values.hosts, values.clients, values.days].map(Number)
  const unknown = values.plant.find((name) => PLANTS[name] === undefined)
  if (![seed, hosts, clients, days].every((number) => number !== undefined && number >= 0) || unknown !== undefined) {
    process.stderr.write(`expected numbers and known plants; plants: ${Object.keys(PLANTS).join(' ')}\n`)
    return 2
  }
  const maxSteps = values.steps === undefined ? undefined : Number(values.steps)
  const options = {
    seed: seed ?? 1,
    hosts: hosts ?? 5,
    clients: clients ?? 2,
    days: days ?? 1,
    plants: values.plant,
    maxSteps,
  }
  const report = await settling((settle) => simulate(options, settle))
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else {
    process.stdout.write(`seed ${report.seed}: ${report.steps} steps, history ${report.history}\n`)
    for (const [what, count] of Object.entries(report.coverage)) process.stdout.write(`  ${what} ${count}\n`)
    for (const breach of report.breaches) process.stdout.write(`BREACH ${breach}\n`)
    if (report.breaches.length > 0)
      process.stdout.write(
        `again: npm run sim -- --seed ${seed} --hosts ${hosts} --clients ${clients} --days ${days}\n`,
      )
  }
  return report.breaches.length === 0 ? 0 : 1
}
