// Groth16 proofs on the workers of a pool: the key stays with them in parts, each proof is cut into steps over the parts. It computes nothing itself; what
// a step does is in provejobs.ts.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Rank } from '../workers/rankqueue.ts'
import { isShared } from '../workers/lend.ts'
import { transfer } from '../workers/transfer.ts'
import type { CircuitSources } from './circuitsources.ts'
import { SCALAR_ORDER } from './bn254.ts'
import { KeyBlocks } from './keyblocks.ts'
import { allocated } from './outofmemory.ts'
import { affinityOf, PartRunner, type ProvePool } from './partrunner.ts'
import { ProofRun } from './proofrun.ts'
import { type ProofShares, proofShares } from './proofshares.ts'
import { checkedProofInputs, type ProofInputs } from './proofinputs.ts'
import { checkedProveOptions } from './proveoptions.ts'
import { ProofTurns } from './proofturns.ts'
import type { KeyName, ProveJobs } from './provejobs.ts'
import type { ProveOptions, Prover, ProvenStatement } from './prover.ts'
import { POINT_SETS } from './residentkey.ts'
import { checkSameVerificationKey, closedError, invalidProof, otherCircuit } from './provererrors.ts'
import type { VerificationKey } from './verificationkey.ts'
import { compileWitnessModule } from './witnessmodule.ts'
import { readZkey } from './zkey.ts'
import { zkeyVerificationKey } from './zkeyverificationkey.ts'

export interface PooledProverParts {
  readonly pool: ProvePool
  readonly circuit: CircuitSources
  /** Bytes that nobody can guess: a proof is only as secret as they are. */
  readonly randomBytes: (length: number) => Uint8Array
  /** Called last when the prover closes, after its work has ended: for a pool and files that were opened for it. Default: what the key keeps in the workers is dropped. */
  readonly release?: (() => Promise<void>) | undefined
}

/** Bytes of a random number that is reduced to a scalar: so many more than it has that no scalar is likelier than another. */
const BLINDING_BYTES = 64

export class PooledProver implements Prover {
  readonly verificationKey: VerificationKey
  readonly #parts: PooledProverParts
  readonly #key: KeyBlocks
  readonly #circuit: WebAssembly.Module
  readonly #shares: ProofShares
  readonly #runner: PartRunner
  readonly #turns: Readonly<Record<Rank, ProofTurns>> = {
    duty: new ProofTurns(),
    sale: new ProofTurns(),
    background: new ProofTurns(),
  }
  readonly #underWay = new Map<Promise<unknown>, AbortController>()
  /** Counts how often the key was to be brought anew. */
  #generation = 0
  #isWarm = false
  #closing: Promise<void> | undefined

  private constructor(
    parts: PooledProverParts,
    key: KeyBlocks,
    verificationKey: VerificationKey,
    circuit: WebAssembly.Module,
  ) {
    this.#parts = parts
    this.#key = key
    this.verificationKey = verificationKey
    this.#circuit = circuit
    this.#shares = proofShares(key, parts.pool.size)
    this.#runner = new PartRunner({
      pool: parts.pool,
      name: () => this.#name(),
      load: (worker, part, options) => this.#load(worker, part, options),
    })
  }

  /**
   * Looks at circuit and key before anything is computed, and remembers what the key is. Workers get their parts with the first proof.
   * @throws CodexError `proving/bad-zkey`, `proving/other-protocol`, `proving/other-curve`, `proving/bad-circuit-module`,
   *   `proving/other-circuit`, `proving/other-verification-key` (each with the field), `proving/unreadable-source`; those of the workers
   */
  static async open(parts: PooledProverParts, options: AbortOptions): Promise<PooledProver> {
    const { circuit, pool } = parts
    const zkey = await readZkey(circuit.zkey, options)
    const verificationKey = await zkeyVerificationKey(zkey, options)
    if (circuit.verificationKey !== undefined) checkSameVerificationKey(verificationKey, circuit.verificationKey)
    const compiled = await compileWitnessModule(circuit.wasm)
    const { wireCount } = await pool.run((worker) => worker.inspectCircuit(compiled), {
      ...options,
      rank: 'sale',
      idempotent: true,
    })
    if (wireCount !== zkey.header.wireCount) throw otherCircuit(wireCount, zkey.header.wireCount)
    return new PooledProver(parts, await KeyBlocks.read(zkey, options), verificationKey, compiled)
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
    checkedProveOptions(options).signal.throwIfAborted()
    if (this.#closing !== undefined) throw closedError()
    const checked = checkedProofInputs(inputs)
    const abort = (): void => controller.abort(options.signal.reason)
    options.signal.addEventListener('abort', abort, { once: true })
    try {
      const run = this.#newRun({ ...options, signal: controller.signal })
      const { proof, publicSignals, holds } = await this.#turns[options.rank].run(
        async () => {
          await run.prepare(checked, { brings: !this.#isWarm })
          this.#isWarm = true
        },
        () => run.compute(),
        { signal: controller.signal },
      )
      if (holds) return { proof, publicSignals }
      // Whatever it was that damaged the parts, they are not to be used again.
      this.#generation++
      this.#isWarm = false
      throw invalidProof()
    } finally {
      options.signal.removeEventListener('abort', abort)
    }
  }

  #newRun(options: ProveOptions): ProofRun {
    return new ProofRun(
      {
        ...this.#parts,
        runner: this.#runner,
        name: () => this.#name(),
        key: this.#key,
        verificationKey: this.verificationKey,
        circuit: this.#circuit,
        shares: this.#shares,
        blinding: () => ({ r: this.#randomScalar(), s: this.#randomScalar() }),
      },
      options,
    )
  }

  #randomScalar(): bigint {
    for (;;) {
      const bytes = this.#parts.randomBytes(BLINDING_BYTES)
      const scalar = bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n) % SCALAR_ORDER
      if (scalar !== 0n) return scalar
    }
  }

  #name(): KeyName {
    return { key: this.#key.name, generation: this.#generation }
  }

  async #load(worker: ProveJobs, part: number, options: AbortOptions): Promise<void> {
    const name = this.#name()
    const { canShare } = this.#parts.pool
    const allocate = (bytes: number): Uint8Array => allocated(bytes, { canShare, field: 'zkey' })
    const share = this.#shares.parts[part]
    for (const set of POINT_SETS) {
      const range = share?.[set]
      if (range === undefined || range.from === range.to) continue
      const bytes = await this.#key.load(set, range, allocate, options)
      await worker.placePoints(name, part, set, given(bytes)).catch(asBadKey(`section ${set}`))
    }
    if (part === 0) {
      const { domainSize, wireCount } = this.#key.zkey.header
      const blocks = { from: 0, to: this.#key.blockCount('coefficients') }
      const section = await this.#key.load('coefficients', blocks, allocate, options)
      await worker
        .placeCoefficients(name, part, given(section), { domain: domainSize, witnesses: wireCount })
        .catch(asBadKey('section coefficients'))
    }
    await worker.completePart(name, part)
  }

  async #close(): Promise<void> {
    for (const controller of this.#underWay.values()) controller.abort(closedError())
    await Promise.allSettled(this.#underWay.keys())
    const { release, pool } = this.#parts
    if (release !== undefined) return release()
    const { signal } = new AbortController()
    const { key } = this.#name()
    // Asked for at once, so that each goes to another worker where all are idle. One at work for others keeps its parts until its pool ends it.
    const drop = (_: unknown, part: number): Promise<void> =>
      pool.run((worker) => worker.dropKey(key), { signal, rank: 'sale', affinity: affinityOf(this.#name(), part) })
    await Promise.allSettled(Array.from({ length: pool.size }, drop))
  }
}

/** Moves memory of ours to a worker, or lets it see what is shared. */
function given(bytes: Uint8Array): Uint8Array {
  return isShared(bytes.buffer) ? bytes : transfer(bytes, [bytes.buffer])
}

/** The kernel's words for what is wrong with a section, in the words of whoever brought the file. */
function asBadKey(field: string): (error: unknown) => never {
  return (error) => {
    if (!CodexError.is(error) || !BAD_SECTION.includes(error.code)) throw error
    throw new CodexError('proving/bad-zkey', `zkey file, ${field}: ${error.message}; get the file anew`, {
      detail: { ...error.detail, field },
      cause: error,
    })
  }
}

const BAD_SECTION = ['field/not-an-element', 'field/not-a-coefficient', 'field/wrong-size']
