// A circuit's files as a prover takes them. Where they come from is not said here.

import type { ByteSource } from './bytesource.ts'
import type { VerificationKey } from './verificationkey.ts'

export interface CircuitSources {
  /** The circuit's witness module, as circom compiles it. */
  readonly wasm: Uint8Array
  /** The proving key; must stay readable and unchanged until the prover is closed. */
  readonly zkey: ByteSource
  /** Where it is known from elsewhere: the key is refused when it has another. */
  readonly verificationKey?: VerificationKey | undefined
}
