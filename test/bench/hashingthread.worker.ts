// A thread of Node that hashes with the bare kernel and nothing around it.

import { parentPort } from 'node:worker_threads'

import { enableRelaxedSimd } from '../../src/platform/nodejs/relaxedsimd.ts'
import type { HashOrder } from './hashloop.ts'
import { prepareHashing } from './hashloop.ts'

enableRelaxedSimd()
const hash = await prepareHashing()
parentPort?.on('message', (blocks: HashOrder) => {
  hash(blocks)
  parentPort?.postMessage('done')
})
parentPort?.postMessage('ready')
