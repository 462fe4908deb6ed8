// wallet send AMOUNT ADDRESS: sends tokens or coins of the node's key elsewhere.

import { unlockKey, withMarket } from '../nodejs.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings, keySettings, keystorePath } from './chainsettings.ts'
import { CodexError } from '../lib/errors.ts'
import { flag } from './option.ts'
import { readPassword } from './readpassword.ts'
import { dataFolder } from './settings.ts'
import { defineVerb } from './verb.ts'

export const walletSend = defineVerb({
  operands: { text: 'AMOUNT ADDRESS', min: 2, max: 2 },
  about: `Sends AMOUNT base units of tokens (wei of coins with --coins) of the node's key to ADDRESS, and waits until it is in the chain.
The node needs tokens as collateral for the slots it takes, and coins for gas: leave it enough of both. Stop the node first.
Where an earlier sending was killed, see what became of it before you send again: it may still be made, and then both are.`,
  options: { coins: flag('send coins, not tokens'), ...CHAIN_OPTIONS },
  document: '{ hash (of the transaction), block, feeWei (decimal string) }',
  async run(options, call) {
    const { operands, settings, signal, terminal } = call
    const [amountText = '', to = ''] = operands
    if (!/^[1-9]\d{0,77}$/.test(amountText))
      throw new CodexError(
        'cli/bad-value',
        `expected a whole number of base units, found ${JSON.stringify(amountText)}`,
      )
    const chain = chainSettings(settings, options['chain-id'])
    const key = await unlockKey(await keystorePath(settings), await readPassword(call, false), keySettings(settings))
    const parts = { ...(await chainParts(call)), key, dataDir: await dataFolder(settings) }
    const landed = await terminal.progress({ label: 'sending' }, () =>
      withMarket(parts, chain, { signal }, (market) =>
        options.coins === true
          ? market.sendCoins(to, BigInt(amountText), { signal })
          : market.sendTokens(to, BigInt(amountText), { signal }),
      ),
    )
    const { hash, block, feeWei } = landed
    await terminal.answer({ hash, block, feeWei: String(feeWei) }, hash)
    return undefined
  },
})
