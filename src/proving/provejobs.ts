// What a worker does for proofs, in slices. Jobs know nothing of one another: what one needs of an earlier one comes in with its call, except
// for the key, which stays. Which jobs make a proof, and in which order, is not its business.

import { CodexError } from '../lib/errors.ts'
import type { JobContext, SlicedJobs } from '../workers/performjobs.ts'
import { transfer } from '../workers/transfer.ts'
import type { FinishedProof, ProofPieces } from './finishproof.ts'
import type { CircuitInputs } from './flattenedinputs.ts'
import { outOfMemory } from './outofmemory.ts'
import type { ProveKernel, Sliced } from './provekernel.ts'
import { type PointSetName, ResidentKey, ResidentPart } from './residentkey.ts'

/** A proving key, and how often it was brought anew: parts of an earlier time are never used. */
export interface KeyName {
  readonly key: string
  readonly generation: number
}

export interface CircuitFacts {
  readonly wireCount: number
  readonly inputCount: number
}

/** Scalars are 32 plain bytes each, points as files have them. */
export interface ProveJobs {
  /** The first call of every job: the parts that are here and whole. Drops leftovers: of aborted jobs, of other generations. */
  residentParts(name: KeyName): Promise<readonly number[]>
  placePoints(name: KeyName, part: number, set: PointSetName, bytes: Uint8Array): Promise<void>
  /** @param section with its count before it */
  placeCoefficients(
    name: KeyName,
    part: number,
    section: Uint8Array,
    shape: { readonly domain: number; readonly witnesses: number },
  ): Promise<void>
  /** All of it is here: from now on it counts as resident. */
  completePart(name: KeyName, part: number): Promise<void>
  /** Forgets the key, and with it the kernel and its memory. */
  dropKey(key: string): Promise<void>
  /** What the circuit's witness module says of itself. */
  inspectCircuit(circuit: WebAssembly.Module): Promise<CircuitFacts>
  /** @param name under which the module stays ready for the next witness */
  calculateWitness(name: KeyName, circuit: WebAssembly.Module, inputs: CircuitInputs): Promise<Uint8Array>
  /** The scalars that belong to the points of `h`. */
  quotient(name: KeyName, part: number, witness: Uint8Array): Promise<Uint8Array>
  /** @param scalars one for each point of the part */
  sumOfProducts(name: KeyName, part: number, set: PointSetName, scalars: Uint8Array): Promise<Uint8Array>
  /** Blinds, puts together, verifies. */
  finishProof(pieces: ProofPieces): Promise<FinishedProof>
  /** Which variant of the kernel this worker runs. */
  proveVariant(): Promise<string>
  /** How much memory the kernels of its keys have. */
  proveMemory(): Promise<number>
}

/** @param load a new kernel, for one key */
export function proveJobs(load: () => Promise<ProveKernel>): SlicedJobs<ProveJobs> {
  const keys = new ResidentKeys(load)
  return {
    residentParts: async (_, name) => keys.look(name),
    placePoints: async (job, name, part, set, bytes) => {
      const key = await keys.get(name)
      await keys.place(key, part, async (resident) => {
        const points = await inSlices(key.kernel.placePoints(set === 'b2' ? 2 : 1, bytes), job)
        resident.points.set(set, points)
      })
    },
    placeCoefficients: async (job, name, part, section, shape) => {
      const key = await keys.get(name)
      await keys.place(key, part, async (resident) => {
        resident.coefficients = await inSlices(key.kernel.placeCoefficients(section, shape), job)
      })
    },
    completePart: async (_, name, part) => {
      const key = await keys.get(name)
      await keys.place(key, part, async (resident) => void (resident.isWhole = true))
    },
    dropKey: async (_, key) => keys.drop(key),
    inspectCircuit: async (_, circuit) => {
      const { WitnessCalculator } = await import('./witnesscalculator.ts')
      const { wireCount, inputCount } = await WitnessCalculator.of(circuit)
      return { wireCount, inputCount }
    },
    calculateWitness: async (job, name, circuit, inputs) => {
      const { WitnessCalculator } = await import('./witnesscalculator.ts')
      const key = await keys.get(name)
      key.calculator ??= await WitnessCalculator.of(circuit)
      return moved(await key.calculator.calculate(inputs, { checkpoint: () => job.checkpoint() }))
    },
    quotient: async (job, name, part, witness) => {
      const { kernel, ...key } = await keys.withPart(name, part)
      const { coefficients } = key.part
      if (coefficients === undefined) throw missing('coefficients', part)
      const scalars = await inSlices(kernel.quotient(coefficients, witness), job)
      try {
        return moved(scalars.read())
      } finally {
        scalars.free()
      }
    },
    sumOfProducts: async (job, name, part, set, scalarBytes) => {
      const { kernel, ...key } = await keys.withPart(name, part)
      const points = key.part.points.get(set)
      if (points === undefined) throw missing(set, part)
      const scalars = await inSlices(kernel.placeScalars(scalarBytes), job)
      try {
        return await inSlices(kernel.sumOfProducts(points, scalars, { form: 'file' }), job)
      } finally {
        scalars.free()
      }
    },
    finishProof: async (job, pieces) => inSlices((await import('./finishproof.ts')).finishProof(pieces), job),
    proveVariant: async () => (await load()).variant,
    proveMemory: async () => keys.memoryBytes(),
  }
}

/** All slices, each followed by a look at who wants something. What the computation alone needs is free again however it ends. */
export async function inSlices<Result>(sliced: Sliced<Result>, job: JobContext): Promise<Result> {
  try {
    for (;;) {
      const { done, value } = sliced.next()
      if (done === true) return value
      await job.checkpoint()
    }
  } catch (error) {
    throw CodexError.is(error, 'field/out-of-memory') ? outOfMemory('zkey', error) : error
  } finally {
    sliced.return(undefined as never)
  }
}

/** The keys of this worker. */
class ResidentKeys {
  readonly #load: () => Promise<ProveKernel>
  readonly #keys = new Map<string, { readonly generation: number; readonly resident: ResidentKey }>()

  constructor(load: () => Promise<ProveKernel>) {
    this.#load = load
  }

  look({ key, generation }: KeyName): number[] {
    const found = this.#keys.get(key)
    if (found !== undefined && found.generation !== generation) this.#keys.delete(key)
    for (const { resident } of this.#keys.values()) resident.tidy()
    return found?.generation === generation ? [...found.resident.parts.keys()] : []
  }

  async get({ key, generation }: KeyName): Promise<ResidentKey> {
    const found = this.#keys.get(key)
    if (found?.generation === generation) return found.resident
    const resident = new ResidentKey(await this.#load())
    this.#keys.set(key, { generation, resident })
    return resident
  }

  async withPart(name: KeyName, index: number): Promise<{ readonly kernel: ProveKernel; readonly part: ResidentPart }> {
    const key = await this.get(name)
    return { kernel: key.kernel, part: key.part(index) }
  }

  /** A failure takes the part along: it must not be taken for one that is only not finished. */
  async place(key: ResidentKey, index: number, act: (part: ResidentPart) => Promise<void>): Promise<void> {
    const part = key.parts.get(index) ?? new ResidentPart()
    key.parts.set(index, part)
    try {
      await act(part)
    } catch (error) {
      part.free()
      key.parts.delete(index)
      throw error
    }
  }

  drop(key: string): void {
    this.#keys.delete(key)
  }

  memoryBytes(): number {
    return [...this.#keys.values()].reduce((total, { resident }) => total + resident.kernel.memoryBytes, 0)
  }
}

function missing(what: string, part: number): CodexError {
  return new CodexError('proving/part-missing', `expected ${what} in part ${part} of the key, found none`, {
    detail: { part, what },
  })
}

function moved(bytes: Uint8Array): Uint8Array {
  return transfer(bytes, [bytes.buffer])
}
