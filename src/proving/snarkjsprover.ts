// The reference engine: proofs by the package snarkjs, behind the same seam. To hold ours against, not for selling: it is several times slower, GPL, and
// loaded only when it is asked for. Witnesses are computed by our own loader, on the calling thread.

import { type AbortOptions, raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { Mutex } from '../lib/mutex.ts'
import { checkSameVerificationKey, closedError, invalidProof, otherCircuit } from './provererrors.ts'
import { checkedProof } from './proof.ts'
import { checkedProofInputs, type ProofInputs } from './proofinputs.ts'
import { checkedProveOptions } from './proveoptions.ts'
import type { CircuitSources } from './circuitsources.ts'
import type { ProofStage, ProveOptions, Prover, ProvenStatement } from './prover.ts'
import type { VerificationKey } from './verificationkey.ts'
import { verify } from './verify.ts'
import { WitnessCalculator } from './witnesscalculator.ts'
import { encodeWitness } from './wtns.ts'
import { readZkey } from './zkey.ts'
import { zkeyVerificationKey } from './zkeyverificationkey.ts'

export interface SnarkjsProverParts {
  readonly circuit: CircuitSources
  /** 1: on the calling thread. Else the package starts as many as the machine runs at once, whatever is said here. */
  readonly threads: number | undefined
  /** Called last when the prover closes. */
  readonly release?: (() => Promise<void>) | undefined
}

/** The package keeps its threads in a global, for all its callers. */
interface CurveHolder {
  curve_bn128?: { terminate(): Promise<void> } | null
}

/** So one proof at a time, whichever prover it is of. Ranks are not known to it. */
const TURN = new Mutex()
/** Of {@link SnarkjsProver}s that are open: the last one ends the threads. */
const OPEN = new Set<SnarkjsProver>()

export class SnarkjsProver implements Prover {
  readonly verificationKey: VerificationKey
  readonly #parts: SnarkjsProverParts
  readonly #zkey: Uint8Array
  readonly #calculator: WitnessCalculator
  readonly #underWay = new Map<Promise<unknown>, AbortController>()
  #closing: Promise<void> | undefined

  private constructor(
    parts: SnarkjsProverParts,
    zkey: Uint8Array,
    verificationKey: VerificationKey,
    calculator: WitnessCalculator,
  ) {
    this.#parts = parts
    this.#zkey = zkey
    this.verificationKey = verificationKey
    this.#calculator = calculator
    OPEN.add(this)
  }

  /** The key stays whole in memory. @throws as `PooledProver.open` does */
  static async open(parts: SnarkjsProverParts, options: AbortOptions): Promise<SnarkjsProver> {
    const { zkey: source, wasm, verificationKey: expected } = parts.circuit
    const zkey = await readZkey(source, options)
    const verificationKey = await zkeyVerificationKey(zkey, options)
    if (expected !== undefined) checkSameVerificationKey(verificationKey, expected)
    const calculator = await WitnessCalculator.load(wasm)
    if (calculator.wireCount !== zkey.header.wireCount) throw otherCircuit(calculator.wireCount, zkey.header.wireCount)
    const bytes = await source.read(0, source.size, options)
    return new SnarkjsProver(parts, bytes, verificationKey, calculator)
  }

  prove(inputs: ProofInputs, options: ProveOptions): Promise<ProvenStatement> {
    const controller = new AbortController()
    const proving = this.#prove(inputs, options, controller)
    this.#underWay.set(proving, controller)
    const forget = (): void => void this.#underWay.delete(proving)
    proving.then(forget, forget)
    return proving
  }

  close(): Promise<void> {
    this.#closing ??= Promise.resolve().then(() => this.#close())
    return this.#closing
  }

  async #prove(inputs: ProofInputs, options: ProveOptions, controller: AbortController): Promise<ProvenStatement> {
    const { signal, progress } = checkedProveOptions(options)
    signal.throwIfAborted()
    if (this.#closing !== undefined) throw closedError()
    const checked = checkedProofInputs(inputs)
    const abort = (): void => controller.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const tell = (stage: ProofStage, state: 'begun' | 'done', doneShare: number): void =>
      progress?.({ stage, state, part: 0, doneShare })
    try {
      return await TURN.run(
        async () => {
          tell('witness', 'begun', 0)
          const witness = await this.#calculator.calculate(checked)
          tell('witness', 'done', 0)
          tell('finish', 'begun', 0)
          const proven = await this.#compute(encodeWitness(witness), controller)
          tell('finish', 'done', 1)
          return proven
        },
        { signal: controller.signal },
      )
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #compute(witness: Uint8Array, { signal }: AbortOptions): Promise<ProvenStatement> {
    signal.throwIfAborted()
    const { groth16 } = await import('snarkjs')
    const proving = groth16.prove(this.#zkey, witness, undefined, { singleThread: this.#parts.threads === 1 })
    try {
      const { proof, publicSignals } = await raceAbort(proving, signal)
      checkedProof(proof)
      const proven = { proof, publicSignals } as ProvenStatement
      if (verify(this.verificationKey, publicSignals, proven.proof)) return proven
    } catch (cause) {
      if (!signal.aborted) throw engineFailed(cause)
      // It hears of nothing: its threads are ended under it, and its promise never settles.
      await endThreads()
      throw signal.reason
    }
    throw invalidProof()
  }

  async #close(): Promise<void> {
    for (const controller of this.#underWay.values()) controller.abort(closedError())
    await Promise.allSettled(this.#underWay.keys())
    OPEN.delete(this)
    if (OPEN.size === 0) await endThreads()
    await this.#parts.release?.()
  }
}

function engineFailed(cause: unknown): CodexError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new CodexError(
    'proving/engine-failed',
    `expected a proof of snarkjs, found: ${why}; are the circuit files sound?`,
    {
      detail: { field: 'zkey', why },
      cause,
    },
  )
}

async function endThreads(): Promise<void> {
  await (globalThis as CurveHolder).curve_bn128?.terminate()
}
