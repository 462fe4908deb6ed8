import { expect, test } from 'vitest'
import { enableRelaxedSimd } from '../../src/platform/nodejs/relaxedsimd.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'

test('kernels loaded afterwards run by relaxed SIMD; a second call changes nothing', async () => {
  enableRelaxedSimd()
  expect((await loadPoseidon2()).variant).toBe('relaxed-simd')
  enableRelaxedSimd()
  expect((await loadPoseidon2()).variant).toBe('relaxed-simd')
})
