// One proof, from its inputs to its end: which steps there are, what each takes and gives. Which worker does one, and when, is partrunner.ts' business.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { transfer } from '../workers/transfer.ts'
import { ELEMENT_BYTES, readNumber, viewOf } from './bn254.ts'
import type { FinishedProof } from './finishproof.ts'
import type { CircuitInputs } from './flattenedinputs.ts'
import { BLOCK_POINTS, type KeyBlocks } from './keyblocks.ts'
import { allocated } from './outofmemory.ts'
import { affinityOf, type PartRunner, type ProofStep, type ProvePool, type StepOptions } from './partrunner.ts'
import type { ProofShares } from './proofshares.ts'
import type { KeyName, ProveJobs } from './provejobs.ts'
import type { ProofStage, ProveOptions } from './prover.ts'
import type { PointSetName } from './residentkey.ts'
import type { VerificationKey } from './verificationkey.ts'

export interface ProofRunParts {
  readonly pool: ProvePool
  readonly runner: PartRunner
  readonly name: () => KeyName
  readonly key: KeyBlocks
  readonly verificationKey: VerificationKey
  readonly circuit: WebAssembly.Module
  readonly shares: ProofShares
  /** Two scalars that nobody can guess, for this proof alone. */
  readonly blinding: () => { readonly r: bigint; readonly s: bigint }
}

export interface RunResult extends FinishedProof {
  readonly publicSignals: readonly string[]
}

/** Sums that need nothing but the witness, the longest first. */
const WITNESS_SETS = ['b2', 'a', 'c', 'b1'] as const

export class ProofRun {
  readonly #parts: ProofRunParts
  readonly #options: ProveOptions
  #doneShare = 0
  #witness: Uint8Array = new Uint8Array()

  constructor(parts: ProofRunParts, options: ProveOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Computes the witness. @param brings whether to bring all parts of the key to workers meanwhile */
  async prepare(inputs: CircuitInputs, { brings }: { readonly brings: boolean }): Promise<void> {
    const { runner, shares, key } = this.#parts
    const nothing = async (): Promise<readonly ProofStep[]> => []
    const steps = brings
      ? shares.parts.map((_, part) => ({ part, stage: 'loading' as const, isOptional: true, act: nothing }))
      : []
    const [witness] = await together([this.#calculate(inputs), runner.runAll(steps, this.#stepOptions())])
    const { wireCount } = key.zkey.header
    if (witness.length !== ELEMENT_BYTES * wireCount) throw otherWitness(wireCount, witness.length)
    this.#witness = this.#shared(witness)
  }

  /** All the rest; after {@link prepare}. */
  async compute(): Promise<RunResult> {
    const { runner, shares } = this.#parts
    const sums: Sums = { a: [], b1: [], b2: [], c: [], h: [] }
    const quotient: ProofStep = {
      part: 0,
      stage: 'quotient',
      act: async (worker) => {
        const scalars = this.#shared(await worker.quotient(this.#parts.name(), 0, this.#lent(this.#witness)))
        return shares.parts.flatMap((_, part) => this.#sumSteps(part, ['h'], scalars, sums))
      },
    }
    const others = shares.parts.flatMap((_, part) => this.#sumSteps(part, WITNESS_SETS, this.#witness, sums))
    await runner.runAll([quotient, ...others], this.#stepOptions())
    return this.#finish(sums)
  }

  async #calculate(inputs: CircuitInputs): Promise<Uint8Array> {
    const { circuit } = this.#parts
    return this.#runAnywhere('witness', (worker, name) => worker.calculateWitness(name, circuit, inputs))
  }

  async #finish(sums: Sums): Promise<RunResult> {
    const { key, verificationKey, blinding } = this.#parts
    const { alpha1, beta1, beta2, delta1, delta2, publicCount } = key.zkey.header
    const view = viewOf(this.#witness)
    const publicSignals = Array.from({ length: publicCount }, (_, i) =>
      String(readNumber(view, ELEMENT_BYTES * (i + 1))),
    )
    const pieces = {
      header: { alpha1, beta1, beta2, delta1, delta2 },
      verificationKey,
      publicSignals,
      sums,
      blinding: blinding(),
    }
    const finished = await this.#runAnywhere('finish', (worker) => worker.finishProof(pieces))
    return { ...finished, publicSignals }
  }

  /** A job that needs no part of the key; on the worker of part 0 where it is free, which has what such jobs keep. */
  #runAnywhere<Result>(stage: ProofStage, act: (worker: ProveJobs, name: KeyName) => Promise<Result>): Promise<Result> {
    const { pool, name } = this.#parts
    const { signal, rank } = this.#options
    return pool.run(
      async (worker, _, note) => {
        const [resident] = await worker.residentParts(name())
        note(resident === undefined ? undefined : affinityOf(name(), resident))
        this.#tell(stage, 'begun', 0)
        const result = await act(worker, name())
        this.#tell(stage, 'done', 0)
        return result
      },
      { signal, rank, affinity: affinityOf(name(), 0), idempotent: true },
    )
  }

  #sumSteps(part: number, sets: readonly PointSetName[], scalars: Uint8Array, sums: Sums): ProofStep[] {
    const { shares, key, name } = this.#parts
    return sets.flatMap((set) => {
      const range = shares.parts[part]?.[set]
      if (range === undefined || range.from === range.to) return []
      const first = set === 'c' ? key.zkey.header.publicCount + 1 : 0
      const from = first + BLOCK_POINTS * range.from
      const to = first + Math.min(BLOCK_POINTS * range.to, key.pointCount(set))
      const some = scalars.subarray(ELEMENT_BYTES * from, ELEMENT_BYTES * to)
      const act = async (worker: ProveJobs): Promise<readonly ProofStep[]> => {
        sums[set].push(await worker.sumOfProducts(name(), part, set, this.#lent(some)))
        return []
      }
      return [{ part, stage: set, act }]
    })
  }

  #stepOptions(): StepOptions {
    const { signal, rank } = this.#options
    return { signal, rank, tell: (stage, state, part) => this.#tell(stage, state, part) }
  }

  #tell(stage: ProofStage, state: 'begun' | 'done', part: number): void {
    const { costs, parts } = this.#parts.shares
    const cost = stage in costs ? costs[stage as keyof typeof costs] : 0
    if (state === 'done') this.#doneShare += stage === 'quotient' ? cost : cost / parts.length
    if (state === 'done' && stage === 'finish') this.#doneShare = 1
    this.#options.progress?.({ stage, state, part, doneShare: Math.min(1, this.#doneShare) })
  }

  /** Where threads can share memory, a copy there, so that each job needs none. */
  #shared(bytes: Uint8Array): Uint8Array {
    if (!this.#parts.pool.canShare) return bytes
    return copied(bytes, { canShare: true })
  }

  #lent(bytes: Uint8Array): Uint8Array {
    const { canShare } = this.#parts.pool
    if (canShare) return bytes
    const copy = copied(bytes, { canShare })
    return transfer(copy, [copy.buffer])
  }
}

function copied(bytes: Uint8Array, { canShare }: { readonly canShare: boolean }): Uint8Array {
  const copy = allocated(bytes.length, { canShare, field: 'wasm' })
  copy.set(bytes)
  return copy
}

type Sums = Record<PointSetName, Uint8Array[]>

/** Both, or the first failure once neither runs any more. */
async function together<A, B>(both: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both)
  return Promise.all(both)
}

function otherWitness(wireCount: number, length: Bytes): CodexError {
  return new CodexError(
    'proving/bad-witness',
    `witness: expected ${wireCount} elements, found ${length / ELEMENT_BYTES}; circuit and key are not of one setup`,
    { detail: { field: 'witness', expected: wireCount, found: length / ELEMENT_BYTES } },
  )
}
