import { expect, it } from 'vitest'

import { HeapFloor } from '../../src/platform/nodejs/heapfloor.ts'

const MiB = 2 ** 20

it('takes room only from those who make many buffers, and once', () => {
  const floor = new HeapFloor()
  for (let i = 0; i < 1023; i++) floor.made(65_536)
  expect(floor.bytes).toBe(0)
  const before = process.memoryUsage()
  floor.made(65_536)
  floor.made(65_536 * 1024)
  const { heapUsed, external } = process.memoryUsage()
  expect(floor.bytes).toBe(16 * MiB)
  // It counts where it should.
  expect(heapUsed - before.heapUsed).toBeGreaterThan(12 * MiB)
  expect(external - before.external).toBeLessThan(4 * MiB)
})
