// wallet send AMOUNT ADDRESS: sends tokens or coins of the node's key elsewhere.

import { pay, sentenceOfEarlier, unlockKey } from '../nodejs.ts'
import { CHAIN_OPTIONS, chainParts, chainSettings, keySettings, keystorePath } from './chainsettings.ts'
import { CodexError } from '../lib/errors.ts'
import { tokens } from './marketunits.ts'
import { amount as wholeAmount, flag, type Option, readNamed } from './option.ts'
import { readPassword } from './readpassword.ts'
import { CHAIN_SETTINGS, FEE_SETTINGS, KEYSTORE_SETTINGS, dataFolder } from './settings.ts'
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

const TOKENS = tokens('to be sent')
const WEI = wholeAmount('WEI', 'to be sent')

export const walletSend = defineVerb({
  operands: { text: 'AMOUNT ADDRESS', min: 2, max: 2 },
  about: `Sends AMOUNT of tokens, as 1.5tokens or in base units (with --coins wei of coins), of the node's key to ADDRESS, and waits until it is in the chain.
The node needs tokens as collateral for the slots it takes, and coins for gas: leave it enough of both. Stop the node first.
Where an earlier run with this data folder was ended before it told what became of its sending, that is found out first. Was it as much for
the same ADDRESS, and was made or still may be, nothing is sent (exit code 5): to run the same command once more never pays twice.`,
  options: { coins: flag('send coins, not tokens'), again: AGAIN, ...CHAIN_OPTIONS },
  settings: [...CHAIN_SETTINGS, ...KEYSTORE_SETTINGS, ...FEE_SETTINGS],
  examples: [
    'codex-light wallet send 1.5tokens ADDRESS --eth-provider URL',
    'codex-light wallet send 1000000000000000 ADDRESS --coins --eth-provider URL',
  ],
  document: `{ hash (of the transaction), block, feeWei (decimal string), earlier: what earlier runs sent and did not tell of [{ coins, to, amount
(decimal string), fate: "made" | "not made" | "under way" | "unknown", hash }] }`,
  async run(options, call) {
    const { operands, settings, signal, terminal } = call
    const [amountText = '', to = ''] = operands
    const inCoins = options.coins === true
    const amount = readNamed(inCoins ? WEI : TOKENS, amountText, 'AMOUNT')
    if (amount === 0n) throw new CodexError('cli/bad-value', 'AMOUNT: expected more than nothing')
    const chain = chainSettings(settings, options['chain-id'])
    const key = await unlockKey(await keystorePath(settings), await readPassword(call, false), keySettings(settings))
    const parts = { ...(await chainParts(call)), key, dataDir: await dataFolder(settings) }
    const payment = { coins: inCoins, to, amount, again: options.again }
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
