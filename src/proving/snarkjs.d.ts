// What the reference engine uses of the package snarkjs, which brings no types of its own.

declare module 'snarkjs' {
  export const groth16: {
    prove(
      zkey: Uint8Array,
      witness: Uint8Array,
      logger: undefined,
      options: { readonly singleThread: boolean },
    ): Promise<{ readonly proof: unknown; readonly publicSignals: string[] }>
  }
}
