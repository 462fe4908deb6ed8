// Brings the steps of proofs and the workers that hold their parts of the key together. A step is bound to a worker only when the worker is there:
// the pool gives whichever is free, and that one may hold another part. What the steps compute is not its business.

import { type AbortOptions, raceAbort } from '../lib/abort.ts'
import { assert } from '../lib/errors.ts'
import type { Rank } from '../workers/rankqueue.ts'
import type { NoteResident } from '../workers/pooledworker.ts'
import type { WorkerPool } from '../workers/workerpool.ts'
import type { KeyName, ProveJobs } from './provejobs.ts'
import type { ProofStage } from './prover.ts'

/** What it needs of a pool, whatever else its workers can do. */
export type ProvePool = Pick<WorkerPool<ProveJobs>, 'run' | 'size' | 'canShare'>

/** A step that needs one part of the key in its worker. */
export interface ProofStep {
  readonly part: number
  readonly stage: ProofStage
  /** It only brings the part, and only to a worker that has none: for others there will be one. */
  readonly isOptional?: boolean
  /** May be called again when the worker dies. @returns steps that were waiting for this one */
  readonly act: (worker: ProveJobs) => Promise<readonly ProofStep[]>
}

export interface StepOptions extends AbortOptions {
  readonly rank: Rank
  readonly tell: (stage: ProofStage, state: 'begun' | 'done', part: number) => void
}

export interface PartRunnerOptions {
  readonly pool: ProvePool
  /** Of the key; asked for at every job, since it changes when the key is to be brought anew. */
  readonly name: () => KeyName
  /** Brings a part to a worker that has it not. */
  readonly load: (worker: ProveJobs, part: number, options: AbortOptions) => Promise<void>
}

/** Steps of one proof that wait for a worker. */
type WaitingSteps = Set<ProofStep>

interface Chosen {
  readonly step: ProofStep
  readonly isHere: boolean
}

interface Later {
  readonly until: Promise<void>
  /** What to ask for then. */
  readonly hint: ProofStep
}

interface Steps {
  readonly waiting: WaitingSteps
  readonly add: (more: readonly ProofStep[]) => void
}

export class PartRunner {
  readonly #options: PartRunnerOptions
  /** By part: who is at work on it. */
  readonly #busy = new Map<number, Set<Promise<void>>>()
  /** Runs that have a worker and do not know yet which parts it has. */
  readonly #asking = new Set<Promise<unknown>>()

  constructor(options: PartRunnerOptions) {
    this.#options = options
  }

  /**
   * Does all steps and those that come of them, each on a worker with its part; settles when all are done, or with the first failure
   * once nothing runs any more.
   */
  async runAll(steps: readonly ProofStep[], options: StepOptions): Promise<void> {
    const waiting: WaitingSteps = new Set()
    const controller = new AbortController()
    const abort = (): void => controller.abort(options.signal.reason)
    if (options.signal.aborted) abort()
    options.signal.addEventListener('abort', abort, { once: true })
    let failure: { readonly error: unknown } | undefined
    const fail = (error: unknown): void => {
      failure ??= { error }
      controller.abort(error)
    }
    try {
      const runs: Promise<void>[] = []
      const add = (more: readonly ProofStep[]): void => {
        for (const step of more) waiting.add(step)
        for (const step of more)
          runs.push(this.#run(step, { waiting, add }, { ...options, signal: controller.signal }).catch(fail))
      }
      add(steps)
      // It grows meanwhile: a step adds others before it is done itself.
      for (let i = 0; i < runs.length; i++) await runs[i]
    } finally {
      options.signal.removeEventListener('abort', abort)
    }
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error
    assert(waiting.size === 0, 'each step has had a worker')
  }

  /** As many of these run as there are steps; each does one step, though not always the one that it was made for. */
  async #run(made: ProofStep, steps: Steps, options: StepOptions): Promise<void> {
    const { pool, name } = this.#options
    const { waiting } = steps
    const { signal, rank } = options
    let hint = made
    for (;;) {
      let release: (() => void) | undefined
      const wanted = hint.part
      try {
        const later = await pool.run(
          async (worker, jobSignal, note) => {
            release?.()
            const chosen = await this.#choose(worker, wanted, waiting, note)
            if (chosen === undefined || 'until' in chosen) return chosen
            release = this.#occupy(chosen.step.part)
            await this.#do(chosen, worker, steps, { ...options, signal: jobSignal }, note)
            return undefined
          },
          { signal, rank, affinity: affinityOf(name(), wanted), idempotent: true },
        )
        if (later === undefined) return
        await raceAbort(later.until, signal)
        hint = later.hint
      } finally {
        // Not before the pool has the worker back: who waited for it shall find it free.
        release?.()
      }
    }
  }

  /**
   * A step for this worker, or when and for what to ask again, or nothing where no step is left. A part is brought to one more worker
   * only where the pool was asked for a worker that has it and gave another: then there is none, or it does something else.
   */
  async #choose(
    worker: ProveJobs,
    wanted: number,
    waiting: WaitingSteps,
    note: NoteResident,
  ): Promise<Chosen | Later | undefined> {
    const { name } = this.#options
    const asking = worker.residentParts(name())
    this.#asking.add(asking)
    const resident = await asking.finally(() => this.#asking.delete(asking))
    const [first] = resident
    note(first === undefined ? undefined : affinityOf(name(), first))
    const isHere = ({ part }: ProofStep): boolean => resident.includes(part)
    // One of the others may have the worker that this one would wait for.
    if (![...waiting].some(isHere)) await Promise.allSettled(this.#asking)
    const here = [...waiting].find(isHere)
    const free = [...waiting].filter(({ part }) => !this.#busy.has(part))
    const step = here ?? free.find(({ part }) => part === wanted)
    if (step !== undefined) {
      waiting.delete(step)
      const isIdle = step !== here && step.isOptional === true && first !== undefined
      return isIdle ? undefined : { step, isHere: step === here }
    }
    const [other] = free
    if (other !== undefined) return { until: Promise.resolve(), hint: other }
    const [hint] = waiting
    return hint && { until: Promise.race([...this.#busy.values()].flatMap((set) => [...set])), hint }
  }

  async #do(
    { step, isHere }: Chosen,
    worker: ProveJobs,
    { waiting, add }: Steps,
    { signal, tell }: StepOptions,
    note: NoteResident,
  ): Promise<void> {
    const { stage, part } = step
    try {
      if (!isHere) {
        tell('loading', 'begun', part)
        await this.#options.load(worker, part, { signal })
        tell('loading', 'done', part)
      }
      note(affinityOf(this.#options.name(), part))
      tell(stage, 'begun', part)
      const more = await step.act(worker)
      tell(stage, 'done', part)
      add(more)
    } catch (error) {
      // Where only the worker was lost, another does it.
      waiting.add(step)
      throw error
    }
  }

  /** @returns ends it */
  #occupy(part: number): () => void {
    let free: () => void = () => {}
    const ended = new Promise<void>((resolve) => (free = resolve))
    const others = this.#busy.get(part) ?? new Set()
    this.#busy.set(part, others.add(ended))
    return () => {
      others.delete(ended)
      if (others.size === 0 && this.#busy.get(part) === others) this.#busy.delete(part)
      free()
    }
  }
}

/** Which workers a job of this part would like best. */
export function affinityOf({ key, generation }: KeyName, part: number): string {
  return `${key}/${generation}/${part}`
}
