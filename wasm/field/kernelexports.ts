// What the sources under assembly export, as TypeScript sees it: addresses, sizes and counts are whole numbers below 2^31, and flags 0 or 1.

export type Flag = 0 | 1
/** G1 or G2. */
export type Group = 1 | 2

export interface KernelExports {
  readonly memory: WebAssembly.Memory
  /** How many elements a vector has. */
  lanes(): number
  /** The first address that is the loader's. */
  buffer(): number

  firstBeyond(from: number, count: number, isScalar: Flag): number
  enterNumbers(
    isScalar: Flag,
    from: number,
    to: number,
    vectors: number,
    step: number,
    apart: number,
    isFile: Flag,
  ): void
  leaveNumbers(
    isScalar: Flag,
    from: number,
    to: number,
    vectors: number,
    step: number,
    apart: number,
    isFile: Flag,
  ): void
  enterElements(from: number, to: number, count: number, isFile: Flag): void
  addAllR(to: number, a: number, b: number, vectors: number): void
  subtractAllR(to: number, a: number, b: number, vectors: number): void
  multiplyAllR(to: number, a: number, b: number, vectors: number): void
  scaleAllR(to: number, a: number, factor: number, vectors: number): void
  invertAllR(values: number, vectors: number, products: number): void
  addAllQ(to: number, a: number, b: number, vectors: number): void
  subtractAllQ(to: number, a: number, b: number, vectors: number): void
  multiplyAllQ(to: number, a: number, b: number, vectors: number): void
  invertAllQ(values: number, vectors: number, products: number): void

  enterFinite(
    group: Group,
    from: number,
    count: number,
    to: number,
    indices: number,
    first: number,
    isFile: Flag,
  ): number
  enterAll(group: Group, from: number, count: number, to: number, isFile: Flag): void
  leavePoints(group: Group, from: number, count: number, to: number, isFile: Flag): void
  clearPoints(group: Group, points: number, count: number): void
  addStrided(group: Group, to: number, toStride: number, from: number, fromStride: number, count: number): void
  double(group: Group, points: number, stride: number, count: number, times: number): void

  recode(scalars: number, count: number, from: number, to: number): void
  sortWindow(
    group: Group,
    points: number,
    indices: number,
    count: number,
    scalars: number,
    width: number,
    window: number,
    isTop: Flag,
    bounds: number,
    entries: number,
  ): number
  sumEntries(
    group: Group,
    first: number,
    last: number,
    place: number,
    bounds: number,
    entries: number,
    buckets: number,
    list: number,
    segments: number,
    sums: number,
  ): number
  sumRuns(
    group: Group,
    buckets: number,
    runs: number,
    length: number,
    index: number,
    sums: number,
    totals: number,
  ): void
  foldRuns(group: Group, points: number, runs: number, length: number): void
  joinWindows(group: Group, sums: number, stride: number, count: number, width: number, to: number): void

  tabulateBases(group: Group, base: number, table: number, width: number, windows: number): void
  tabulateMore(group: Group, table: number, width: number, windows: number, known: number): void
  addMultiples(
    group: Group,
    table: number,
    width: number,
    window: number,
    isTop: Flag,
    scalars: number,
    count: number,
    sums: number,
  ): void

  firstRoot(table: number): void
  doubleRoots(table: number, from: number): void
  useRoots(table: number): void
  enterReversed(from: number, to: number, first: number, last: number, logVectors: number): void
  fallPass(data: number, width: number, blocks: number, isTwo: Flag, inverse: Flag, first: number, last: number): void
  risePass(data: number, width: number, blocks: number, isTwo: Flag, inverse: Flag, first: number, last: number): void
  cross(at: number, end: number): void
  shift(at: number, end: number, index: number, apart: number): void
  enterCoefficients(from: number, to: number, vectors: number, apart: number): void
  accumulateRows(values: number, places: number, end: number, witness: number, rows: number): void
  placeFactor(number: number, element: number, plain: number): void
  leaveScaled(from: number, to: number, vectors: number, apart: number, factor: number): void

  /** Of the relaxed SIMD variant only. */
  isFused?(): number
}
