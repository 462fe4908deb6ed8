// config print: shows every setting and where its value came from.

import { examineChain } from '../nodejs.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings } from './chainsettings.ts'
import { CodexError } from '../lib/errors.ts'
import { flag } from './option.ts'
import { SETTING_NAMES, SETTINGS, environmentName } from './settings.ts'
import { table } from './table.ts'
import { type Call, defineVerb } from './verb.ts'

export const configPrint = defineVerb({
  about: `Shows every setting as this command line and this environment give it, and where each value came from. With --chain also what the
marketplace behind --eth-provider was deployed with.`,
  options: { chain: flag('ask the chain for its configuration too'), ...CHAIN_OPTIONS },
  settings: SETTING_NAMES,
  examples: ['codex-light config print', 'codex-light config print --chain --eth-provider URL'],
  document: `{ NAME: { value (sizes in bytes, durations in seconds), source: "flag" | "environment" | "file" | "default" } } for every
setting by the name of its flag without dashes, null where nothing is set. With --chain also chain: { chainId, marketplace, token, terms:
{ collateral, proofs, reservations, requestDurationLimit } }, named as in the contract`,
  async run({ chain: asksChain, 'chain-id': chainId }, call) {
    const { settings, terminal } = call
    const chain = asksChain === true ? await chainFacts(call, chainId) : undefined
    const rows: string[][] = []
    const shown: Record<string, { value: unknown; source: string }> = {}
    for (const name of SETTING_NAMES) {
      const { source } = settings[name]
      const value: unknown = await settings[name].value()
      const option: { show(value: unknown): string } = SETTINGS[name]
      shown[name] = { value: plain(value), source }
      rows.push([name, option.show(value), source === 'environment' ? environmentName(name) : source])
    }
    if (chain !== undefined) rows.push(...chainRows(chain))
    await terminal.answer(chain === undefined ? shown : { ...shown, chain }, table(rows))
    return undefined
  },
})

type Facts = NonNullable<Awaited<ReturnType<typeof examineChain>>['facts']>

/** @throws CodexError with what stands in the way */
async function chainFacts(call: Call, chainId: number | undefined): Promise<Facts> {
  const parts = await chainParts(call)
  const { facts, findings } = await examineChain(parts, chainSettings(call.settings, chainId), undefined, call)
  if (facts !== undefined) return facts
  const { code = 'market/failed', sentence = 'the chain was not reached' } = findings.at(-1) ?? {}
  throw new CodexError(code, sentence)
}

function chainRows({ chainId, marketplace, token, terms }: Facts): string[][] {
  const { collateral, proofs, reservations, requestDurationLimit } = terms
  const groups = { ...collateral, ...proofs, ...reservations, requestDurationLimit }
  const known = { chainId, marketplace, token, ...groups }
  return Object.entries(known).map(([name, value]) => [`chain ${name}`, String(value), 'chain'])
}

/** As JSON takes it. */
function plain(value: unknown): unknown {
  if (value === undefined) return null
  return typeof value === 'bigint' ? String(value) : value
}
