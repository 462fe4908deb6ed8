// wallet send AMOUNT ADDRESS: sends tokens or coins of the node's key elsewhere.

import { pay, sentenceOfEarlier, unlockKey } from '../nodejs.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings, keySettings, keystorePath } from './chainsettings.ts'
import { CodexError } from '../lib/errors.ts'
import { flag, type Option } from './option.ts'
import { readPassword } from './readpassword.ts'
import { dataFolder } from './settings.ts'
import { defineVerb } from './verb.ts'

const AGAIN: Option<string> = {
  takes: 'HASH',
  about: 'send although the transaction HASH, which an earlier run told of, may have paid the same',
  read(given) {
    if (/^0x[0-9a-f]{64}$/i.test(given)) return given.toLowerCase()
    throw new CodexError('cli/bad-value', `expected 0x and 64 hex digits, found ${JSON.stringify(given)}`)
  },
  show: String,
}

export const walletSend = defineVerb({
  operands: { text: 'AMOUNT ADDRESS', min: 2, max: 2 },
  about: `Sends AMOUNT base units of tokens (wei of coins with --coins) of the node's key to ADDRESS, and waits until it is in the chain.
The node needs tokens as collateral for the slots it takes, and coins for gas: leave it enough of both. Stop the node first.
Where an earlier run with this data folder was ended before it told what became of its sending, that is found out first. Was it as much for
the same ADDRESS, and was made or still may be, nothing is sent (exit code 5): to run the same command once more never pays twice.`,
  options: { coins: flag('send coins, not tokens'), again: AGAIN, ...CHAIN_OPTIONS },
  document: `{ hash (of the transaction), block, feeWei (decimal string), earlier: what earlier runs sent and did not tell of [{ coins, to, amount
(decimal string), fate: "made" | "not made" | "under way" | "unknown", hash }] }`,
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
    const payment = { coins: options.coins === true, to, amount: BigInt(amountText), again: options.again }
    await terminal.progress({ label: 'sending' }, () =>
      pay(parts, chain, payment, {
        signal,
        async tell({ landed: { hash, block, feeWei }, earlier }) {
          if (!terminal.json) for (const one of earlier) terminal.say(await sentenceOfEarlier(one))
          const others = earlier.map(({ verb, fate, hashes, landed, ...one }) => ({
            coins: verb === 'sendCoin',
            to: one.to,
            amount: String(one.amount),
            fate,
            hash: landed?.hash ?? hashes.at(-1),
          }))
          await terminal.answer({ hash, block, feeWei: String(feeWei), earlier: others }, hash)
        },
      }),
    )
    return undefined
  },
})
