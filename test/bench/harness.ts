// What a benchmark is, and how two sides are measured: in turn, each time in a fresh process, compared pair by pair.
// It knows neither what is measured nor how results are shown.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Where and how large to measure. Plain data, because it travels to another process. */
export interface Place {
  /** Root of the repository. */
  readonly root: string
  /** An existing folder of this bench alone, on a real disk; removed by the harness at the end. */
  readonly folder: string
  /** Small sizes: to see that it works, not to read numbers from. */
  readonly quick: boolean
}

/** Figures by their keys, such as `{ mibPerSecond: 512.3 }`. Every one has `peakRssMiB` of its process besides. */
export type Sample = Readonly<Record<string, number>>

export interface Figure {
  readonly key: string
  readonly unit: 'MiB/s' | 'ms' | 'MiB' | 'kB' | '%' | 'µs' | 'M/s' | 'requests' | 'proofs/min' | 'days' | 'steps'
  readonly title: string
  /** Of the median: either ours beside the peer's, or ours alone. Without a goal it is only reported. */
  readonly goal?: { readonly of: 'ratio' | 'ours'; readonly atLeast?: number; readonly atMost?: number }
}

export interface Bench {
  /** As on the command line. */
  readonly name: string
  /** Beginning of its lines in the table, the figure's title follows. */
  readonly title: string
  /** What ours is compared with; none for a bench of ours alone. */
  readonly peerTitle?: string
  readonly rounds: number
  readonly figures: readonly Figure[]
  /** Packages to compare with that are not the project's own. */
  readonly needsPeers?: boolean
  readonly needsChromium?: boolean
  /** Runs once, unmeasured, in the harness. */
  readonly prepare?: (place: Place) => Promise<void>
  readonly sides: {
    readonly ours: (place: Place) => Promise<Sample>
    readonly peer?: (place: Place) => Promise<Sample>
  }
}

export type SideName = keyof Bench['sides']

export interface Samples {
  readonly ours: readonly Sample[]
  readonly peer: readonly Sample[]
}

/** Ours, peer, ours, peer …, so that a machine that slows down slows both. @param module the bench's file, bundled */
export async function measureInTurn(
  bench: Bench,
  module: URL,
  place: Place,
  rounds: number,
  tell: (progress: string) => void,
): Promise<Samples> {
  const samples = { ours: [] as Sample[], peer: [] as Sample[] }
  const sides: readonly SideName[] = bench.sides.peer === undefined ? ['ours'] : ['ours', 'peer']
  for (let round = 1; round <= rounds; round++)
    for (const side of sides) {
      tell(`${bench.name}: round ${round} of ${rounds}, ${side}`)
      samples[side].push(await measureInChild(module, side, place))
    }
  return samples
}

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

export interface Result {
  readonly figure: Figure
  readonly ours: Spread
  readonly peer: Spread | undefined
  /** Ours divided by the peer's of the same round. */
  readonly ratio: Spread | undefined
  /** Undefined where there is no goal. */
  readonly reached: boolean | undefined
}

export function compare(figure: Figure, { ours, peer }: Samples): Result {
  const values = ours.map((sample) => valueOf(sample, figure))
  // A figure may be ours alone, such as a bound on memory.
  const peers = figure.goal?.of === 'ours' ? [] : peer.map((sample) => valueOf(sample, figure))
  const ratios = peers.map((value, round) => (values[round] ?? Number.NaN) / value)
  const result = { figure, ours: spread(values), peer: maybeSpread(peers), ratio: maybeSpread(ratios) }
  return { ...result, reached: isReached(figure, result.ours, result.ratio) }
}

function isReached({ goal }: Figure, ours: Spread, ratio: Spread | undefined): boolean | undefined {
  const found = goal?.of === 'ours' ? ours : ratio
  if (goal === undefined || found === undefined) return undefined
  return found.median >= (goal.atLeast ?? -Infinity) && found.median <= (goal.atMost ?? Infinity)
}

function maybeSpread(values: readonly number[]): Spread | undefined {
  return values.length === 0 ? undefined : spread(values)
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    lowest: at(0),
    highest: at(sorted.length - 1),
  }
}

function valueOf(sample: Sample, { key }: Figure): number {
  const value = sample[key]
  if (value === undefined) throw new Error(`expected the figure ${key}, found ${Object.keys(sample).join(', ')}`)
  return value
}

const MEASURE = fileURLToPath(new URL('./measure.js', import.meta.url))

function measureInChild(module: URL, side: SideName, place: Place): Promise<Sample> {
  const child = spawn(process.execPath, [MEASURE, module.href, side, JSON.stringify(place)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let answer = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (answer += text))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(answer) as Sample)
      else reject(new Error(`the measurement of ${side} ended with ${signal ?? `exit code ${code}`}`))
    })
  })
}
