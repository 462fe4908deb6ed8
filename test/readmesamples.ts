// The library samples of README.md, as modules that a compiler and an engine take: what a sample leaves to its reader is declared before it. Not a test.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const README = fileURLToPath(new URL('../README.md', import.meta.url))

/** What a reader brings: a key under a password. */
const READER = `declare const keystore: string
declare const password: string
`

/** By name: what each file contains. Those that go on with what another has made are one file. */
export async function readmeSamples(): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(README, 'utf8')
  const samples = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = '']) => code)
  const about = (name: string): string => {
    const found = samples.filter((code) => code.includes(`from '${name}'`))
    if (found.length !== 1) throw new Error(`README.md has ${found.length} samples of ${name}`)
    return found[0] ?? ''
  }
  const slots = about('codex-light/slots')
  return {
    protocol: about('codex-light/protocol'),
    slots,
    exchange: about('codex-light/exchange'),
    node: [READER, slots, about('codex-light/proving'), about('codex-light')].join('\n'),
    market: READER.replace(/.*keystore.*\n/, '') + about('codex-light/market'),
  }
}
