// Brings the Leopard kernel up: the one door to it. Whoever calls it holds the kernel; nothing is kept here.

import { LeopardKernel } from './leopardkernel.ts'
import { loadKernelMemory } from './loadkernelmemory.ts'

/**
 * A kernel with a memory of its own: 64 KiB, growing with the largest code it is used for: below 1 MiB up to 256 rows, 21 MiB
 * for 65 536, whatever the size of blocks. Compiling takes a few milliseconds; nothing is fetched.
 * @throws CodexError `erasure/no-simd` where the engine has no SIMD128
 */
export async function loadLeopard(): Promise<LeopardKernel> {
  return new LeopardKernel(await loadKernelMemory())
}
