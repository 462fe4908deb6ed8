// prove: a proof for a slot of the store, or for inputs from a file.

import { CodexError } from '../lib/errors.ts'
import { openProving, type Proving } from '../nodejs.ts'
import { CIRCUIT_OPTIONS, type FoundCircuit, findCircuit, readJsonFile } from './circuitfiles.ts'
import { choice, count, text } from './option.ts'
import { readCid } from './readcid.ts'
import { readIndex } from './readindex.ts'
import { type Call, defineVerb } from './verb.ts'
import { withAccess } from './withnode.ts'

type Prover = Awaited<ReturnType<Proving['createProver']>>
type ProofInputs = Parameters<Prover['prove']>[0]
type Engine = 'wasm' | 'snarkjs'

const INDENT = 2
const STAGE_WORDS = {
  loading: 'loading the proving key',
  witness: 'computing the witness',
  quotient: 'dividing polynomials',
  a: 'adding up points (A)',
  b1: 'adding up points (B in G1)',
  b2: 'adding up points (B in G2)',
  c: 'adding up points (C)',
  h: 'adding up points (H)',
  finish: 'verifying',
} as const

export const prove = defineVerb({
  about: `Proves that a slot is stored: for inputs from a file (as proof-input prints them), or for slot INDEX of the dataset CID and a
challenge of the contract. The proof is verified before it is printed. Without --circuit it is for the development circuit.`,
  options: {
    input: text('FILE', 'JSON of the circuit’s inputs'),
    cid: text('CID', 'of the dataset whose slot is to be proven, instead of --input'),
    slot: text('INDEX', 'the slot, with --cid'),
    challenge: text('0xHEX', '32 bytes, as the contract gives them for the period, with --cid'),
    ...CIRCUIT_OPTIONS,
    engine: choice(['wasm', 'snarkjs'], 'wasm is ours; snarkjs is the reference, slower; wasm without it'),
    threads: count('at most; as many as this machine runs at once without it'),
  },
  examples: [
    'codex-light prove --cid CID --slot 2 --challenge 0x1212121212121212121212121212121212121212121212121212121212121212',
    'codex-light prove --input INPUT.json --circuit FOLDER',
  ],
  document: `{ proof (as snarkjs writes it), publicSignals: [decimal], developmentOnly (whether anybody could have forged it), seconds }; the same
without --json, indented`,
  async run(options, call) {
    const inputs = await readInputs(options, call)
    const proving = await openProving()
    const circuit = await findCircuit(proving, options, call)
    const answer = await proven(proving, circuit, inputs, options, call)
    await call.terminal.answer(answer, JSON.stringify(answer, undefined, INDENT))
    return undefined
  },
})

async function proven(
  proving: Proving,
  { files }: FoundCircuit,
  inputs: ProofInputs,
  { engine, threads }: { readonly engine: Engine | undefined; readonly threads: number | undefined },
  { terminal, signal }: Call,
) {
  const prover = await proving.createProver({
    circuit: files,
    signal,
    ...(engine && { engine }),
    ...(threads && { threads }),
  })
  try {
    const startMs = performance.now()
    const { proof, publicSignals } = await terminal.progress({ label: 'proving' }, (advance) =>
      prover.prove(inputs, {
        signal,
        rank: 'duty',
        progress: ({ stage }) => advance(0, { label: STAGE_WORDS[stage], totalBytes: undefined }),
      }),
    )
    const seconds = (performance.now() - startMs) / 1000
    return { proof, publicSignals, developmentOnly: prover.verificationKey.developmentOnly !== undefined, seconds }
  } finally {
    await prover.close()
  }
}

interface Asked {
  readonly input: string | undefined
  readonly cid: string | undefined
  readonly slot: string | undefined
  readonly challenge: string | undefined
}

/** Before anything is built: what is missing shall be said at once. @throws CodexError `cli/bad-option`, `cli/bad-value`, `cli/bad-file` */
async function readInputs({ input, cid, slot, challenge }: Asked, call: Call): Promise<ProofInputs> {
  if (input !== undefined) {
    if (cid !== undefined || slot !== undefined || challenge !== undefined)
      throw new CodexError('cli/bad-option', 'expected either --input or --cid, --slot and --challenge, found both')
    return (await readJsonFile(input)) as ProofInputs
  }
  if (cid === undefined || slot === undefined || challenge === undefined)
    throw new CodexError('cli/bad-option', 'expected --input, or all of --cid, --slot and --challenge')
  const [dataset, index] = [readCid(cid), readIndex(slot)]
  if (!/^0x[0-9a-fA-F]{64}$/.test(challenge))
    throw new CodexError('cli/bad-value', '--challenge: expected 0x and 64 hex digits', {
      detail: { from: '--challenge' },
    })
  const { signal } = call
  return withAccess(call, 'look', (node) => node.slots.proofInput(dataset, index, challenge, { signal }))
}
