// Proofs of slots as sales want them: the market's form out of the prover's, with a meter of how long one takes. It chooses no cells and reads no block.

import type { AbortOptions } from '../lib/abort.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import { toSolidityProof } from '../proving/proof.ts'
import type { Prover } from '../proving/prover.ts'
import type { CircuitShape, ProofInputs } from '../slots/proofinputs.ts'
import type { Slots } from '../slots/slots.ts'

/** Of a {@link Prover} what proofs of slots need. */
export interface ProvingPart extends Pick<Prover, 'prove' | 'close'> {
  readonly verificationKey: Pick<Prover['verificationKey'], 'developmentOnly'>
  /** It stands for one that is not there: every proof fails. */
  readonly isAbsent?: boolean
}

export interface SlotProverParts {
  readonly prover: ProvingPart
  readonly slots: Pick<Slots, 'sampleInputs'>
  /** Of the prover's circuit. */
  readonly shape: CircuitShape
  /** Milliseconds that only grow. */
  readonly stopwatch: () => number
}

export interface ProverMeter {
  /** What the latest proof took, without the time it waited for others; undefined before the first. */
  readonly lastSeconds: number | undefined
  /** Of the latest proofs, at most {@link KEPT_SECONDS}, the oldest first. */
  readonly recentSeconds: readonly number[]
  /** Made since the start, the first one for measuring included. */
  readonly proofs: number
  /** Asked for and not made yet, those included whose inputs are still gathered. */
  readonly waiting: number
  /** What the proving key says of being for development only; undefined for keys of a ceremony. */
  readonly developmentMark: string | undefined
}

export const KEPT_SECONDS = 32

export class SlotProver {
  readonly shape: CircuitShape
  readonly #parts: SlotProverParts
  #recentSeconds: readonly number[] = []
  #proofs = 0
  #waiting = 0
  #lastEndMs = 0

  constructor(parts: SlotProverParts) {
    this.#parts = parts
    this.shape = parts.shape
  }

  /** Whether no proof can ever be made: there is no circuit. */
  get isAbsent(): boolean {
    return this.#parts.prover.isAbsent === true
  }

  get meter(): ProverMeter {
    return {
      lastSeconds: this.#recentSeconds.at(-1),
      recentSeconds: this.#recentSeconds,
      proofs: this.#proofs,
      waiting: this.#waiting,
      developmentMark: this.#parts.prover.verificationKey.developmentOnly,
    }
  }

  /** @param gathering the inputs, perhaps not all there yet @throws CodexError as {@link Prover.prove}, and what gathering rejects with */
  async prove(
    gathering: ProofInputs | Promise<ProofInputs>,
    { signal, rank }: AbortOptions & { readonly rank: 'duty' | 'sale' },
  ): Promise<Groth16Proof> {
    const { prover, stopwatch } = this.#parts
    this.#waiting++
    try {
      const inputs = await gathering
      const startMs = stopwatch()
      const { proof } = await prover.prove(inputs, { signal, rank })
      const endMs = stopwatch()
      // Proofs are made one after the other: until the one before had ended this one waited.
      const seconds = (endMs - Math.max(startMs, this.#lastEndMs)) / 1000
      this.#lastEndMs = endMs
      this.#proofs++
      this.#recentSeconds = [...this.#recentSeconds, seconds].slice(-KEPT_SECONDS)
      return toSolidityProof(proof)
    } finally {
      this.#waiting--
    }
  }

  /** Makes and verifies a proof of data made up for it. @returns the seconds it took @throws CodexError as {@link SlotProver.prove} */
  async rehearse({ signal }: AbortOptions): Promise<number> {
    const { slots, shape } = this.#parts
    await this.prove(slots.sampleInputs({ signal, shape }), { signal, rank: 'sale' })
    return this.#recentSeconds.at(-1) ?? 0
  }

  /** As {@link Prover.close}. */
  close(): Promise<void> {
    return this.#parts.prover.close()
  }
}
