// What the sources under assembly export, as TypeScript sees it: addresses, sizes and counts are whole numbers below 2^31.

export interface KernelExports {
  readonly memory: WebAssembly.Memory
  /** How many independent states there are. */
  lanes(): number
  /** The first address that is the loader's. */
  buffer(): number
  begin(): void
  absorb(from: number, stride: number, groups: number): void
  finish(from: number, stride: number, rest: number, to: number): void
  absorbElements(from: number, pairs: number): void
  squeeze(to: number): void
  permutations(from: number, count: number, to: number, words: number): void
  firstOutOfRange(from: number, count: number): number
  /** Of the relaxed SIMD variant only. */
  isFused?(): number
}
