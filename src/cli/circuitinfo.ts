// circuit info: what the files of a circuit say of themselves.

import { readdir, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { formatBytes } from '../lib/format.ts'
import { openProving } from '../nodejs.ts'
import { fileHash } from './buildcircuit.ts'
import { CIRCUIT_OPTIONS, findCircuit } from './circuitfiles.ts'
import { flag } from './option.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const circuitInfo = defineVerb({
  about: `Shows the files of a circuit, what its proving key is for, and whether that key is for development only. Files that proved once are
remembered; where they are others the next time, nothing is proven with them until they are what they were, or --accept is given.`,
  options: {
    ...CIRCUIT_OPTIONS,
    accept: flag('the files were exchanged on purpose: forget what they were when they last proved'),
  },
  examples: ['codex-light circuit info --circuit FOLDER', 'codex-light circuit info --circuit FOLDER --accept'],
  document: `{ folder, wires, publicSignals, domain, developmentOnly (whether anybody can forge proofs), mark (of such a key, or null),
files: [{ name, bytes, sha256 (hex) }] }`,
  async run(options, call) {
    const proving = await openProving()
    const { folder, files } = await findCircuit(proving, options, call)
    if (options.accept === true) await proving.forgetCircuit(files)
    const { developmentMark, ...facts } = await proving.describeKey(files.zkey, call)
    const found = await Promise.all(
      (await readdir(folder, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(async ({ name }) => {
          const path = join(folder, name)
          return { name, bytes: (await stat(path)).size, sha256: await fileHash(path) }
        }),
    )
    const answer = {
      folder,
      ...facts,
      developmentOnly: developmentMark !== undefined,
      mark: developmentMark ?? null,
      files: found,
    }
    const rows = found.map(({ name, bytes, sha256 }) => [name, formatBytes(bytes), sha256])
    await call.terminal.answer(
      answer,
      [
        `${fileURLToPath(files.zkey)}`,
        `${facts.wires} wires, ${facts.publicSignals} public signals, domain of ${facts.domain}`,
        ...(developmentMark === undefined ? [] : [developmentMark]),
        table([['file', 'size', 'sha256'], ...rows]),
      ].join('\n'),
    )
    return undefined
  },
})
