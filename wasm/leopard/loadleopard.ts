// Brings the Leopard kernel up: the one door to it. Whoever calls it holds the kernel; nothing is kept here.

import { LeopardKernel } from './leopardkernel.ts'
import { loadKernelMemory } from './loadkernelmemory.ts'

/**
 * A kernel with a memory of its own: half a MiB, growing with the largest code it is used for, to about 25 MiB for 65 536
 * rows, and never with the size of blocks. Compiling takes a few milliseconds; nothing is fetched.
 * @throws CodexError `erasure/no-simd` where the engine has no SIMD128
 */
export async function loadLeopard(): Promise<LeopardKernel> {
  return new LeopardKernel(await loadKernelMemory())
}
