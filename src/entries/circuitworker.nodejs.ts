// A thread of Node that compiles the storage proof's circuit. Started for one compilation; nothing imports it.

import { parentPort } from 'node:worker_threads'

import { compileCircuit } from '../../wasm/circuit/compilecircuit.ts'
import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain } from '../../wasm/circuit/templates.ts'
import type { CircuitApi } from '../platform/nodejs/circuitapi.ts'
import { threadEndpoint } from '../platform/nodejs/threadendpoint.ts'
import { exposeApi } from '../workers/exposeapi.ts'

const PARAMETERS = { full: FULL_CIRCUIT, small: SMALL_CIRCUIT }

const api: CircuitApi = {
  compile: (size, folder) => compileCircuit(storageProofMain(PARAMETERS[size]), folder),
}

if (parentPort !== null) exposeApi(api, threadEndpoint(parentPort))
