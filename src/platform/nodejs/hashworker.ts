// The hashing thread: hashes where the bytes are, in memory it shares with the main thread.

import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { exposeApi } from '../../workers/exposeapi.ts'
import { transfer } from '../../workers/transfer.ts'
import type { HashApi } from './hashapi.ts'
import { threadEndpoint } from './threadendpoint.ts'

const DIGEST_BYTES = 32

const api: HashApi = {
  async sha256(memory, ranges) {
    const digests = new Uint8Array((ranges.length / 2) * DIGEST_BYTES)
    for (let i = 0; i < ranges.length; i += 2) {
      const piece = new Uint8Array(memory, ranges[i], ranges[i + 1])
      digests.set(hash('sha256', piece, 'buffer'), (i / 2) * DIGEST_BYTES)
    }
    return transfer(digests, [digests.buffer])
  },
}

if (parentPort !== null) exposeApi(api, threadEndpoint(parentPort))
