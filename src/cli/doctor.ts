// doctor: looks at what stands between this node and its earnings on the chain.

import { CodexError } from '../lib/errors.ts'
import { examineChain } from '../nodejs.ts'
import { adviceFor } from './advicefor.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings, KEY_OPTIONS, keyPlace } from './chainsettings.ts'
import { EXIT, exitCodeOf } from './exitcodes.ts'
import { CHAIN_SETTINGS } from './settings.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const doctor = defineVerb({
  about: `Looks, changing nothing, whether the endpoint of --eth-provider is reachable and of the right chain, has the marketplace and answers as it
does, whether this machine's clock agrees with the chain's time, and whether the node's key has coins and tokens. Fails when something stands
in the way of selling, with the exit code of the first such thing: no coins or no tokens are 4. What is odd may stand in the way, and fails nothing.`,
  options: { ...CHAIN_OPTIONS, ...KEY_OPTIONS },
  settings: [...CHAIN_SETTINGS, 'keystore'],
  examples: ['codex-light doctor --eth-provider URL', 'codex-light doctor --eth-provider URL --eth-private-key FILE'],
  document: `{ healthy, findings: [{ check: "endpoint" | "chain" | "contract" | "abi" | "clock" | "key" | "coins" | "tokens" | "allowance",
state: "good" | "odd" | "bad", sentence, code (of the error, with "bad") }] }`,
  async run(options, call) {
    const { settings, signal, terminal } = call
    const chain = chainSettings(settings, options['chain-id'])
    const key = await findKey(() => keyPlace(options, settings))
    const { findings } = await terminal.progress({ label: 'looking' }, async () =>
      examineChain(await chainParts(call), chain, key.address, { signal }),
    )
    const all = [...findings, key.finding]
    const bad = all.find(({ state }) => state === 'bad')
    await terminal.answer(
      { healthy: bad === undefined, findings: all },
      table(all.map((finding) => [finding.state, finding.check, advised(finding)])),
    )
    if (bad === undefined) return undefined
    return bad.code === undefined ? EXIT.failed : exitCodeOf(new CodexError(bad.code, bad.sentence))
  },
})

function advised({ sentence, code }: { readonly sentence: string; readonly code?: string }): string {
  const advice = adviceFor(code)
  return advice === undefined ? sentence : `${sentence}; ${advice}`
}

interface KeyFinding {
  readonly check: 'key'
  readonly state: 'good' | 'bad'
  readonly sentence: string
  readonly code?: string
}

async function findKey(
  look: () => ReturnType<typeof keyPlace>,
): Promise<{ readonly address: string | undefined; readonly finding: KeyFinding }> {
  try {
    const { address, path } = await look()
    return { address, finding: { check: 'key', state: 'good', sentence: `${path} holds the key of ${address}` } }
  } catch (error) {
    if (!CodexError.is(error)) throw error
    const { code, message } = error
    return { address: undefined, finding: { check: 'key', state: 'bad', sentence: message, code } }
  }
}
