// `npm run sim`: plays simulated worlds and prints what came of them. What is in a world is in simworld.ts.

import { parseArgs } from 'node:util'
import { notCovered } from './coverage.ts'
import { PLANTS } from './plants.ts'
import { settling } from './settle.ts'
import { shrink } from './shrink.ts'
import { type SimReport, simulate } from './simulate.ts'
import { type SimOptions, TROUBLES } from './simworld.ts'

const HELP = `npm run sim -- [options]: plays a simulated network of providers, clients and validators on virtual time.
The same options play the same world to the same history, on any machine.

  --seed S        of the world (1)
  --hosts N       providers (5)
  --clients M     clients that ask for storage (2)
  --days D        virtual days with requests and faults; then everything comes to its end (1)
  --steps N       end after so many delivered events
  --plant NAME    put a known bug into every provider; several times for several. The world ends with the first breach
  --plants        name them all
  --without KIND  spare the world a kind of trouble: ${TROUBLES.join(', ')}
  --no-shrink     do not look for a smaller world that goes wrong too (with a plant nobody looks anyway)
  --json          one document: { seed, steps, days, breaches, coverage, history }; history is a SHA-256 over all delivered events
  --night         plays seed after seed, from --seed on and in changing sizes, until it is interrupted or --worlds are played
  --worlds N      for --night
  --help

Exit code 0: no breach; 1: there was one, and a smaller world that has it is looked for; 2: bad arguments.
`

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  hosts: { type: 'string', default: '5' },
  clients: { type: 'string', default: '2' },
  days: { type: 'string', default: '1' },
  steps: { type: 'string', default: 'Infinity' },
  worlds: { type: 'string', default: 'Infinity' },
  plant: { type: 'string', multiple: true },
  without: { type: 'string', multiple: true },
  plants: { type: 'boolean', default: false },
  shrink: { type: 'boolean', default: true },
  json: { type: 'boolean', default: false },
  night: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** @returns the exit code */
export async function runSimulation(args: readonly string[]): Promise<number> {
  const out = (line: string) => process.stdout.write(`${line}\n`)
  const bad = (why: string) => {
    process.stderr.write(`${why}\nSee --help.\n`)
    return 2
  }
  let values
  try {
    values = parseArgs({ args: [...args], options: OPTIONS, allowNegative: true }).values
  } catch (error) {
    return bad(error instanceof Error ? error.message : String(error))
  }
  if (values.help) process.stdout.write(HELP)
  if (values.plants) for (const [name, { happened }] of Object.entries(PLANTS)) out(`${name}: ${happened}`)
  if (values.help || values.plants) return 0
  const { plant: plants = [], without = [] } = values
  const numbers = { seed: 0, hosts: 1, clients: 0, days: 0, steps: 1, worlds: 1 }
  for (const [name, least] of Object.entries(numbers) as [keyof typeof numbers, number][])
    if (!(Number(values[name]) >= least))
      return bad(`--${name}: expected a number from ${least} on, found ${values[name]}`)
  const plant = plants.find((name) => PLANTS[name] === undefined)
  if (plant !== undefined) return bad(`there is no plant ${plant}: --plants names them all`)
  const kind = without.find((name) => !(TROUBLES as readonly string[]).includes(name))
  if (kind !== undefined) return bad(`there is no trouble ${kind}: expected one of ${TROUBLES.join(', ')}`)
  const options: SimOptions = {
    seed: Number(values.seed),
    hosts: Number(values.hosts),
    clients: Number(values.clients),
    days: Number(values.days),
    maxSteps: Number(values.steps),
    plants,
    without,
  }
  if (values.night) return night(options, Number(values.worlds))
  const report = await play(options)
  const { seed, steps, days, breaches, coverage, history } = report
  if (values.json) out(JSON.stringify({ seed, steps, days, breaches, coverage, history }))
  else {
    out(`seed ${seed}: ${steps} steps, history ${history}`)
    for (const [what, count] of Object.entries(coverage)) out(`  ${what} ${count}`)
    const missing = notCovered([coverage])
    if (missing.length > 0) out(`  not met in this world: ${missing.join('; ')}`)
    for (const breach of breaches) out(`BREACH ${breach}`)
  }
  if (breaches.length === 0) return 0
  await tellSmaller(options, values.shrink && plants.length === 0)
  return 1
}

/** World after world. Never more than the seeds of those that went wrong stay behind. */
async function night(first: SimOptions, worlds: number): Promise<number> {
  let failed = 0
  for (let played = 0; played < worlds; played++) {
    const options = {
      ...first,
      seed: first.seed + played,
      hosts: 1 + ((first.hosts + played * 7) % 24),
      clients: 1 + ((first.clients + played * 3) % 6),
    }
    const { steps, breaches, history } = await play(options)
    process.stdout.write(`${commandOf(options)}: ${steps} steps, history ${history.slice(0, 16)}\n`)
    for (const breach of breaches) process.stdout.write(`BREACH ${breach}\n`)
    if (breaches.length > 0) failed++
    if (breaches.length > 0) await tellSmaller(options, true)
  }
  return failed === 0 ? 0 : 1
}

async function tellSmaller(options: SimOptions, isWanted: boolean): Promise<void> {
  process.stderr.write(`it went wrong: ${commandOf(options)}\n`)
  const shrunk = isWanted ? await shrink(options, play) : undefined
  if (shrunk === undefined) return
  process.stderr.write(`smallest found in ${shrunk.tries} tries: ${commandOf(shrunk.options)}\n  ${shrunk.breach}\n`)
}

function play(options: SimOptions): Promise<SimReport> {
  return settling((settle) => simulate(options, settle))
}

function commandOf({ seed, hosts, clients, days, plants = [], without = [] }: SimOptions): string {
  const names = [...plants.map((name) => ` --plant ${name}`), ...without.map((kind) => ` --without ${kind}`)]
  return `npm run sim -- --seed ${seed} --hosts ${hosts} --clients ${clients} --days ${days}${names.join('')}`
}
