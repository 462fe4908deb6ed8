// A prover that has its files remembered once a proof made with them has held. The proof is handed out at once; closing waits for what is being written.

import type { Remember } from './knownfile.ts'
import type { ProofInputs } from './proofinputs.ts'
import type { ProveOptions, Prover, ProvenStatement } from './prover.ts'
import type { VerificationKey } from './verificationkey.ts'

/** `inner` itself where there is nothing to remember. */
export function rememberingProver(inner: Prover, remember: readonly Remember[]): Prover {
  return remember.length === 0 ? inner : new RememberingProver(inner, remember)
}

class RememberingProver implements Prover {
  readonly verificationKey: VerificationKey
  readonly #inner: Prover
  readonly #remember: readonly Remember[]
  #remembering: Promise<unknown> | undefined

  constructor(inner: Prover, remember: readonly Remember[]) {
    this.#inner = inner
    this.#remember = remember
    this.verificationKey = inner.verificationKey
  }

  async prove(inputs: ProofInputs, options: ProveOptions): Promise<ProvenStatement> {
    const proven = await this.#inner.prove(inputs, options)
    this.#remembering ??= Promise.allSettled(this.#remember.map((each) => each()))
    return proven
  }

  async close(): Promise<void> {
    await this.#inner.close()
    await this.#remembering
  }
}
