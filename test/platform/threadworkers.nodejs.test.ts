import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { ThreadWorkers } from '../../src/platform/nodejs/threadworkers.ts'
import { bundleChild } from '../children.ts'
import type { EdgeApi } from '../children/edgeapi.ts'
import { workersSuite } from '../suites/workers.ts'

let script: URL
beforeAll(async () => {
  script = await bundleChild('edge.nodejs')
})

workersSuite('ThreadWorkers', {
  working: async () => new ThreadWorkers<EdgeApi>({ script }),
  broken: async () => new ThreadWorkers<EdgeApi>({ script: new URL('missing.mjs', script) }),
})

test('a process ends by itself while its worker idles, and not before an open call is answered', async () => {
  const child = spawn(process.execPath, [fileURLToPath(await bundleChild('idleworker')), script.href])
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  const [code] = await once(child, 'close')
  expect(output).toBe('answered\n')
  expect(code).toBe(0)
})
