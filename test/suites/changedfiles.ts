// What a prover makes of a circuit file that is not what it was when a proof made with it last held. Run in each runtime, with files and a store of its own.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import type { CircuitPlatform } from '../../src/proving/opencircuit.ts'
import { sourceOfBytes } from '../../src/proving/bytesource.ts'
import { proveJobs, type ProveJobs } from '../../src/proving/provejobs.ts'
import { provingFunctions, type ProvingPool } from '../../src/proving/provingfunctions.ts'
import { setupJobs, type SetupJobs } from '../../src/proving/setupjobs.ts'
import { readZkey } from '../../src/proving/zkey.ts'
import { WorkerPool } from '../../src/workers/workerpool.ts'
import { SMALL_CIRCUIT } from '../../wasm/circuit/templates.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { FakeWorkers } from '../fakes/fakeworkers.ts'
import { circuitWithKeys, type CircuitWithKeys } from '../proving/keys.ts'
import { statement } from '../proving/statements.ts'

const { signal } = new AbortController()
const TINY_CIRCUIT = { ...SMALL_CIRCUIT, nSamples: 1 }

export interface ChangedFilesSetup {
  /** An empty place for circuit files, and a store for what is kept of them. */
  readonly make: () => Promise<{
    readonly platform: CircuitPlatform
    readonly urlOf: (name: string) => URL
    readonly write: (name: string, bytes: Uint8Array) => Promise<void>
  }>
}

export function changedFilesSuite(name: string, { make }: ChangedFilesSetup): void {
  describe(name, () => {
    let circuit: CircuitWithKeys
    /** Differs from the true one where no proof looks. */
    let exchanged: Uint8Array
    let place: Awaited<ReturnType<ChangedFilesSetup['make']>>
    beforeAll(async () => {
      circuit = await circuitWithKeys(TINY_CIRCUIT)
      const { sections } = await readZkey(sourceOfBytes(circuit.zkey), { signal })
      exchanged = flipped(circuit.zkey, sections.contributions.offset)
    }, 240_000)
    beforeEach(async () => {
      place = await make()
      await place.write('circuit.zkey', circuit.zkey)
      await place.write('circuit.wasm', circuit.wasm)
    })

    const functions = () => provingFunctions({ ...place.platform, openPool: pool, random: new SystemRandom() })
    const files = () => ({ zkey: place.urlOf('circuit.zkey'), wasm: place.urlOf('circuit.wasm') })
    const open = async (sha256?: { readonly zkey?: string }): Promise<void> => {
      const prover = await functions().createProver({ circuit: { ...files(), ...(sha256 && { sha256 }) } })
      await prover.close()
    }
    const proveOnce = async (): Promise<void> => {
      const prover = await functions().createProver({ circuit: files() })
      const { inputs, publicSignals } = await statement(1, TINY_CIRCUIT)
      const proven = await prover.prove(inputs, { signal, rank: 'sale' })
      expect(proven.publicSignals).toEqual(publicSignals)
      await prover.close()
    }

    it('refuses by name what was damaged since a proof held, and takes what was exchanged on purpose', async () => {
      // A file that never proved anything is not known.
      await place.write('circuit.zkey', exchanged)
      await open()
      await place.write('circuit.zkey', circuit.zkey)
      await proveOnce()

      await place.write('circuit.zkey', flipped(circuit.zkey, 3 + Math.floor(circuit.zkey.length / 2)))
      await expect(open()).rejects.toMatchObject({
        code: 'proving/file-changed',
        detail: { field: 'zkey', url: files().zkey.href, foundBytes: circuit.zkey.length },
      })
      await place.write('circuit.zkey', circuit.zkey)
      await place.write('circuit.wasm', circuit.wasm.slice(0, -1))
      await expect(open()).rejects.toMatchObject({ code: 'proving/file-changed', detail: { field: 'wasm' } })
      await place.write('circuit.wasm', circuit.wasm)

      await place.write('circuit.zkey', exchanged)
      await expect(open()).rejects.toMatchObject({ code: 'proving/file-changed', detail: { field: 'zkey' } })
      await functions().forgetCircuit(files())
      await proveOnce()
      await place.write('circuit.zkey', circuit.zkey)
      await expect(open()).rejects.toMatchObject({ code: 'proving/file-changed', detail: { field: 'zkey' } })
      await open({ zkey: await hashOf(circuit.zkey) })
      await place.write('circuit.zkey', exchanged)
      await open()
    })
  })
}

/** One worker, on this thread. */
function pool(): ProvingPool {
  const jobs = () => ({ ...proveJobs(() => loadField()), ...setupJobs(() => loadField()) })
  return new WorkerPool({ source: new FakeWorkers<ProveJobs & SetupJobs>(jobs, 1), clock: new ManualClock(), size: 1 })
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.slice().fill((bytes[at] ?? 0) ^ 4, at, at + 1)
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
