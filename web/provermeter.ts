// What the prover meter shows, as plain data: which step is where, and the result in words. It proves nothing and draws nothing.

import type { TabProving } from '../src/browser.ts'
import { safeSlots } from '../src/protocol/safeslots.ts'

type Prover = Awaited<ReturnType<TabProving['createProver']>>
type Progress = Parameters<NonNullable<Parameters<Prover['prove']>[1]['progress']>>[0]
export type Stage = Progress['stage']

/** In the order in which they are shown, in words for people. */
export const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  loading: 'Hand the proving key to the workers',
  witness: 'Compute every value inside the circuit',
  quotient: 'Divide polynomials',
  b2: 'Add up points: B, in the larger group',
  a: 'Add up points: A',
  b1: 'Add up points: B',
  c: 'Add up points: C',
  h: 'Add up points: H',
  finish: 'Blind the proof, put it together, verify it',
}

export interface StageState {
  /** Workers that are at it. */
  readonly running: number
  /** Of all workers together. */
  readonly busyMs: number
}

export type MeterState = Readonly<Partial<Record<Stage, StageState>>>

/** @param startedMs when a step of this stage and part began, by `stage part` */
export function withProgress(
  state: MeterState,
  { stage, state: change, part }: Progress,
  nowMs: number,
  startedMs: Map<string, number>,
): MeterState {
  const { running, busyMs } = state[stage] ?? { running: 0, busyMs: 0 }
  const key = `${stage} ${part}`
  if (change === 'begun') {
    startedMs.set(key, nowMs)
    return { ...state, [stage]: { running: running + 1, busyMs } }
  }
  const tookMs = nowMs - (startedMs.get(key) ?? nowMs)
  return { ...state, [stage]: { running: Math.max(0, running - 1), busyMs: busyMs + tookMs } }
}

const PERIODS = [
  [30, '30 seconds'],
  [120, '2 minutes'],
  [600, '10 minutes'],
] as const

/** What a proof that took so long means for somebody who wants to rent out space. */
export function verdict(seconds: number, threads: number): string {
  const workers = threads === 1 ? 'one worker' : `${threads} workers`
  const slots = PERIODS.map(([period, words]) => `${safeSlots(seconds, period)} at ${words}`)
  const first = safeSlots(seconds, PERIODS[0][0])
  const judgement =
    first >= 1
      ? 'fast enough to keep slots even on a chain that asks every 30 seconds'
      : 'too slow for a chain that asks every 30 seconds'
  return `A proof takes this device ${seconds.toFixed(1)} seconds with ${workers}: ${judgement}. It can safely keep so many slots, by how often the chain asks for proofs: ${slots.join(', ')}.`
}
