// A process that makes one call to a thread, then leaves the thread idle and has nothing else to do.

import { ThreadWorkers } from '../../src/platform/nodejs/threadworkers.ts'
import type { EdgeApi } from './edgeapi.ts'

const workers = new ThreadWorkers<EdgeApi>({ script: new URL(String(process.argv[2])) })
const { api } = workers.spawn()
process.stdout.write(`${String(await api.echo('answered'))}\n`)
