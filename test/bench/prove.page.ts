// The page of prove.browser.bench.ts and proveplain.browser.bench.ts.

import { createProver } from '../../src/entries/proving.browser.ts'
import type { PageSides } from './inchromium.ts'
import { measureOurs, measureSnarkjs, type ProvingFiles } from './provesides.ts'

const THREADS = 2

const sides: PageSides = {
  async ours() {
    const inputs = (await (await fetch('/circuit/inputs.json')).json()) as ProvingFiles['inputs']
    const wasm = await (await fetch('/circuit/circuit.wasm')).blob()
    const zkey = await (await fetch('/circuit/circuit.zkey')).blob()
    const prover = await createProver({ circuit: { wasm, zkey }, threads: THREADS })
    const sample = await measureOurs(prover, inputs)
    await prover.close()
    return sample
  },
  async peer() {
    const bytes = async (name: string): Promise<Uint8Array> =>
      new Uint8Array(await (await fetch(`/circuit/${name}`)).arrayBuffer())
    const inputs = (await (await fetch('/circuit/inputs.json')).json()) as ProvingFiles['inputs']
    return measureSnarkjs({ inputs, wasm: await bytes('circuit.wasm'), zkey: await bytes('circuit.zkey') }, 'all')
  },
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
