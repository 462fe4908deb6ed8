// Whose turn it is: proofs of one rank one after the other, so that the first is done soon instead of all of them late. While one is computed the next
// is prepared. It knows no proof.

import type { AbortOptions } from '../lib/abort.ts'
import { Mutex } from '../lib/mutex.ts'

export class ProofTurns {
  readonly #preparing = new Mutex()
  readonly #computing = new Mutex()

  /** Prepares when it is the next one's turn, computes when it is its own; in order of asking. Rejects with the signal's reason in line. */
  async run<Result>(
    prepare: () => Promise<void>,
    compute: () => Promise<Result>,
    { signal }: AbortOptions,
  ): Promise<Result> {
    const { computed } = await this.#preparing.run(
      async () => {
        await prepare()
        let begin: () => void = () => {}
        const begun = new Promise<void>((resolve) => (begin = resolve))
        const computing = this.#computing.run(
          () => {
            begin()
            return compute()
          },
          { signal },
        )
        // Wrapped, since an await would wait for the end of it.
        const wrapped = { computed: computing }
        computing.catch(begin)
        await begun
        return wrapped
      },
      { signal },
    )
    return computed
  }
}
