// Results as the lines of a Markdown table, for the terminal and for README, and as plain data.

import type { Bench, Figure, Result, Spread } from './harness.ts'
import type { Machine } from './machine.ts'

export interface Report {
  readonly machine: Machine
  /** Day of the run, as 2026-01-31. */
  readonly date: string
  readonly quick: boolean
  readonly benches: readonly { readonly bench: Bench; readonly rounds: number; readonly results: readonly Result[] }[]
}

const HEADER = [
  '| What | Ours | Beside | Its figure | Ratio (lowest to highest) | Goal | |',
  '|---|---|---|---|---|---|---|',
]

export function reportText({ machine, date, quick, benches }: Report): string {
  const rows = benches.flatMap(({ bench, results }) => results.map((result) => row(bench, result)))
  const versions = `Node ${machine.node}${machine.chromium === undefined ? '' : `, ${machine.chromium}`}`
  const notes = [
    `Measured on ${date}: ${machine.processor}, ${machine.cores} cores, ${versions}.`,
    'Medians; ratios are taken round by round, ours and the other in turn.',
    ...(quick ? ['**Quick run: small sizes, not for reading numbers from.**'] : []),
  ]
  return `${[...HEADER, ...rows].join('\n')}\n\n${notes.join(' ')}\n`
}

export function reportDocument({ machine, date, quick, benches }: Report): object {
  return {
    machine,
    date,
    quick,
    benches: benches.map(({ bench, rounds, results }) => ({
      name: bench.name,
      title: bench.title,
      peer: bench.peerTitle ?? null,
      rounds,
      figures: results.map(({ figure, ours, peer = null, ratio = null, reached = null }) => ({
        key: figure.key,
        unit: figure.unit,
        ours,
        peer,
        ratio,
        goal: figure.goal ?? null,
        reached,
      })),
    })),
  }
}

function row(bench: Bench, { figure, ours, peer, ratio, reached }: Result): string {
  const cells = [
    `${bench.title}: ${figure.title}`,
    amount(figure, ours),
    peer === undefined ? '' : (bench.peerTitle ?? ''),
    peer === undefined ? '' : amount(figure, peer),
    ratio === undefined ? '' : `${times(ratio.median)} (${times(ratio.lowest)} to ${times(ratio.highest)})`,
    goalText(figure),
    reached === undefined ? '' : reached ? 'reached' : '**missed**',
  ]
  return `| ${cells.join(' | ')} |`
}

function amount({ unit }: Figure, { median }: Spread): string {
  return `${median >= 100 ? median.toFixed(0) : median.toFixed(1)} ${unit}`
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} ×`
}

function goalText({ goal, unit }: Figure): string {
  if (goal === undefined) return ''
  const suffix = goal.of === 'ratio' ? '×' : unit
  return goal.atLeast === undefined ? `≤ ${goal.atMost} ${suffix}` : `≥ ${goal.atLeast} ${suffix}`
}
