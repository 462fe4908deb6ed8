// A Web Worker that answers the edge's tests.

import { exposeApi } from '../../src/workers/exposeapi.ts'
import { edgeApi } from './edgeapi.ts'

exposeApi(edgeApi)
