// wallet show: the node's address, and with an endpoint what it has.

import { accountOf } from '../nodejs.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings, KEY_OPTIONS, keyPlace } from './chainsettings.ts'
import { CHAIN_SETTINGS } from './settings.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

export const walletShow = defineVerb({
  about: `Shows the address of the node's key, and with --eth-provider what it has. Asks for no password.`,
  options: { ...CHAIN_OPTIONS, ...KEY_OPTIONS },
  settings: [...CHAIN_SETTINGS, 'keystore'],
  examples: ['codex-light wallet show --eth-provider URL'],
  document: `{ address, keystore (path of it, or of the file of --eth-private-key) }; with --eth-provider also coins, tokens, allowance (of the marketplace; all in base units, as decimal
strings), chainId, marketplace, token (addresses)`,
  async run(options, call) {
    const { settings, signal, terminal } = call
    const { address, path: keystore } = await keyPlace(options, settings)
    if (settings['eth-provider'].given === undefined) {
      await terminal.answer({ address, keystore }, address)
      return undefined
    }
    const found = await accountOf(await chainParts(call), chainSettings(settings, options['chain-id']), address, {
      signal,
    })
    const amounts = { coins: String(found.coins), tokens: String(found.tokens), allowance: String(found.allowance) }
    const { chainId, marketplace, token } = found
    await terminal.answer(
      { address, keystore, ...amounts, chainId, marketplace, token },
      table([
        ['address', address],
        ['coins', `${amounts.coins} wei`],
        ['tokens', `${amounts.tokens} base units`],
        ['allowance', `${amounts.allowance} base units`],
        ['chain', String(chainId)],
        ['marketplace', marketplace],
        ['token', token],
      ]),
    )
    return undefined
  },
})
