// What the benchmarks use of wasmcurves: its scalar field, elements by their addresses, in Montgomery form between the conversions.

export interface WasmcurvesField {
  frm_add(x: number, y: number, result: number): void
  frm_mul(x: number, y: number, result: number): void
  frm_square(x: number, result: number): void
  frm_toMontgomery(x: number, result: number): void
  frm_fromMontgomery(x: number, result: number): void
}
export declare function loadWasmcurves(): Promise<{
  readonly memory: WebAssembly.Memory
  readonly exports: WasmcurvesField
}>
