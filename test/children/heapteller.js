// Preloaded into a process under test: on SIGUSR2 it collects all that is garbage and writes what lives then, heap and buffers, to the file that HEAP_FILE names.
// Not a test.

import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

process.on('SIGUSR2', () => {
  collect()
  // What the first run lets go of, finalizers, the second collects.
  setImmediate(() => {
    collect()
    // Not all that is external: beside buffers it counts memory of the engine's own, 24 MiB at a time, that comes and goes.
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    writeFileSync(process.env['HEAP_FILE'], JSON.stringify({ heapUsed, arrayBuffers }))
  })
})
