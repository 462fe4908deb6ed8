// A thread of Node that answers the edge's tests.

import { parentPort } from 'node:worker_threads'
import { assert } from '../../src/lib/errors.ts'
import { threadEndpoint } from '../../src/platform/nodejs/threadendpoint.ts'
import { exposeApi } from '../../src/workers/exposeapi.ts'
import { edgeApi } from './edgeapi.ts'

assert(parentPort !== null, 'runs as a thread')
exposeApi(edgeApi, threadEndpoint(parentPort))
