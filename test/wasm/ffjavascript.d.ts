// What tests and benches use of ffjavascript, the arithmetic under snarkjs, which brings no types of its own. Nothing in the package may import it.

declare module 'ffjavascript' {
  /** Elements and points are bytes in the form of files: times 2^256. */
  export interface Field {
    fft(elements: Uint8Array): Promise<Uint8Array>
    ifft(elements: Uint8Array): Promise<Uint8Array>
    batchToMontgomery(elements: Uint8Array): Promise<Uint8Array>
    batchFromMontgomery(elements: Uint8Array): Promise<Uint8Array>
    batchApplyKey(elements: Uint8Array, first: Uint8Array, factor: Uint8Array): Promise<Uint8Array>
    /** Roots of unity by the logarithm of their order. */
    readonly w: readonly Uint8Array[]
    readonly one: Uint8Array
    mul(a: Uint8Array, b: Uint8Array): Uint8Array
    sub(a: Uint8Array, b: Uint8Array): Uint8Array
  }

  export interface CurveGroup {
    readonly g: Uint8Array
    toAffine(point: Uint8Array): Uint8Array
    /** @param scalars plain */
    multiExpAffine(points: Uint8Array, scalars: Uint8Array): Promise<Uint8Array>
    timesScalar(point: Uint8Array, scalar: Uint8Array): Uint8Array
    add(a: Uint8Array, b: Uint8Array): Uint8Array
  }

  export interface Curve {
    readonly Fr: Field
    readonly G1: CurveGroup
    readonly G2: CurveGroup
    terminate(): Promise<void>
  }

  export function getCurveFromName(name: 'bn128', options: { readonly singleThread: boolean }): Promise<Curve>
}
