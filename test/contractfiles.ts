// A build step: writes the compiled contracts into `dist`.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'vite'
import { compiledContract } from './compilecontracts.ts'

/** What outsiders deploy, and what only a local chain does. */
const FILES = {
  contracts: ['Marketplace', 'Groth16Verifier', 'Token'],
  devnet: ['AnyProofVerifier'],
}

/** Writes `contracts/<Name>.json` = `{ abi, bytecode, deployedBytecode }` and the stand-in verifier into the folder `dist`. */
export function contractFiles(dist: string): Plugin {
  return {
    name: 'codex-light:contract-files',
    apply: 'build',
    async writeBundle() {
      for (const [folder, names] of Object.entries(FILES)) {
        await mkdir(join(dist, folder), { recursive: true })
        for (const name of names) {
          await writeFile(join(dist, folder, `${name}.json`), JSON.stringify(await compiledContract(name)))
        }
      }
    },
  }
}
