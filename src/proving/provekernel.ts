// What proving needs of a field kernel, so that this room knows no WebAssembly of ours. What the calls mean is said in wasm/field/fieldkernel.ts.

import type { Bytes } from '../lib/units.ts'

/** A long computation: each `next()` takes some ten milliseconds; `return()` gives its memory back early. */
export type Sliced<Result> = Generator<undefined, Result, void>

/** What stays in a kernel until it is freed. */
export interface Resident {
  free(): void
}

export interface ResidentScalars extends Resident {
  read(): Uint8Array
}

export interface ResidentBase extends Resident {
  multiples(scalars: Uint8Array, form: 'plain' | 'file'): Sliced<Uint8Array>
}

export interface ProveKernel {
  readonly variant: string
  readonly memoryBytes: Bytes
  placePoints(group: 1 | 2, bytes: Uint8Array): Sliced<Resident>
  placeScalars(bytes: Uint8Array): Sliced<ResidentScalars>
  sumOfProducts(points: Resident, scalars: Resident, options: { readonly form: 'file' }): Sliced<Uint8Array>
  placeCoefficients(
    section: Uint8Array,
    shape: { readonly domain: number; readonly witnesses: number },
  ): Sliced<Resident>
  quotient(coefficients: Resident, witness: Uint8Array): Sliced<ResidentScalars>
  placeBase(
    group: 1 | 2,
    point: Uint8Array,
    options: { readonly form: 'plain' | 'file'; readonly expected: number },
  ): Sliced<ResidentBase>
}
