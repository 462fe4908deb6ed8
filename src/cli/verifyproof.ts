// verify FILE: whether a proof holds, for a verification key or for the circuit it belongs to.

import { CodexError } from '../lib/errors.ts'
import { openProving, type Proving } from '../nodejs.ts'
import {
  CIRCUIT_OPTIONS,
  findCircuit,
  readJsonFile,
  readVerificationKey,
  type VerificationKey,
} from './circuitfiles.ts'
import { EXIT } from './exitcodes.ts'
import { text } from './option.ts'
import { type Call, defineVerb } from './verb.ts'

type Proof = Parameters<Proving['verify']>[2]

export const verifyProof = defineVerb({
  operands: { text: 'FILE', min: 1, max: 1 },
  about: `Says whether the proof in FILE (as prove prints it) holds, and ends with exit code 1 where it does not. Without --key the verification
key is that of the circuit.`,
  options: { key: text('FILE', 'verification key, JSON as circuit tools write it'), ...CIRCUIT_OPTIONS },
  examples: ['codex-light verify PROOF.json --circuit FOLDER', 'codex-light verify PROOF.json --key KEY.json'],
  document: `{ holds, publicSignals: [decimal], developmentOnly (whether anybody could have forged it) }`,
  async run(options, call) {
    const [path = ''] = call.operands
    const { proof, publicSignals } = await readProof(path)
    const proving = await openProving()
    const { key, mark } = await verificationKey(proving, options, call)
    const holds = proving.verify(key, publicSignals, proof)
    const developmentOnly = (key.developmentOnly ?? mark) !== undefined
    const remark = developmentOnly ? ' (by a key for development only: anybody can forge such proofs)' : ''
    await call.terminal.answer(
      { holds, publicSignals, developmentOnly },
      holds ? `the proof holds${remark}` : 'the proof does not hold',
    )
    return holds ? undefined : EXIT.failed
  },
})

/** Its parts are for the verifier to check. @throws CodexError `cli/bad-file` */
async function readProof(path: string): Promise<{ readonly proof: Proof; readonly publicSignals: readonly string[] }> {
  const found = await readJsonFile(path)
  if (typeof found === 'object' && found !== null && 'proof' in found && 'publicSignals' in found)
    return found as { proof: Proof; publicSignals: string[] }
  throw new CodexError('cli/bad-file', `expected { proof, publicSignals } in ${path}, as prove prints them`, {
    detail: { path },
  })
}

async function verificationKey(
  proving: Proving,
  options: {
    readonly key: string | undefined
    readonly circuit: string | undefined
    readonly size: 'full' | 'small' | undefined
  },
  call: Call,
): Promise<{ readonly key: VerificationKey; readonly mark: string | undefined }> {
  if (options.key !== undefined) return { key: await readVerificationKey(options.key), mark: undefined }
  const { folder, files } = await findCircuit(proving, options, call)
  // The verification key may have lost its mark, the proving key beside it keeps its own.
  if (files.verificationKey !== undefined)
    return { key: files.verificationKey, mark: (await proving.describeKey(files.zkey, call)).developmentMark }
  throw new CodexError('cli/bad-circuit', `expected a verification key in ${folder}, found none; give one with --key`, {
    detail: { folder },
  })
}
