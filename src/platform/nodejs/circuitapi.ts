// What the thread that compiles circuits is asked to do.

export interface CompiledFiles {
  readonly r1cs: string
  readonly wasm: string
  /** Hex, of each. */
  readonly sha256: { readonly r1cs: string; readonly wasm: string }
}

/** The deployed circuit, or a small one of the same templates for trying things out. */
export type CircuitSize = 'full' | 'small'

export interface CircuitApi {
  /** Compiles unless it is in the folder already, which is a cache by content. @throws CodexError `circuit/no-compiler`, `circuit/does-not-compile` */
  compile(size: CircuitSize, folder: string): Promise<CompiledFiles>
}
