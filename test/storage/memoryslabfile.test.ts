import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import { slabFileSuite } from '../suites/slabfile.ts'

slabFileSuite('MemorySlabFile', {
  modelRuns: 100,
  place: async () => {
    let last = new MemorySlabFile()
    return { open: async () => (last = new MemorySlabFile(last.bytes())) }
  },
})
