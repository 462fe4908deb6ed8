// What is given to start arrives where the marketplace is entered: argv in, settings of the node out. Nothing of it is asked of a chain, but for which one it is.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { readOptions } from '../../src/cli/option.ts'
import { configured, findVerb, parseArguments } from '../../src/cli/parsecommand.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { START_OPTIONS, startWords } from '../../src/cli/startoptions.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import { type TradeSettings, tradingOf } from '../../src/cli/tradesettings.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { DEFAULT_MAX_GAS_PRICE_WEI } from '../../src/market/nodekey.ts'
import { ChainWorld, keyOf, never } from '../market/chainworld.ts'
import { FaultyProxy } from '../market/faultyproxy.ts'
import { scratchFolder } from './command.ts'

const KEY = '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const OWNER = keyOf(1).address
const ADDRESS = `0x${'ab'.repeat(20)}`
const ENDPOINT = 'http://127.0.0.1:9'

/** As start comes to them. @param env as the environment has it @param url the endpoint */
async function settingsOf(argv: readonly string[], { env = {}, url = ENDPOINT } = {}): Promise<TradeSettings> {
  const folder = scratchFolder()
  const key = join(folder, 'key')
  writeFileSync(key, `${KEY}\n`, { mode: 0o600 })
  const given = ['start', ...argv, '--eth-provider', url, '--eth-private-key', key, '--data-dir', folder]
  const found = findVerb(given)
  if (found === undefined || 'group' in found) throw new Error('expected the verb start')
  const verb = await found.entry.load()
  const { raw, operands } = parseArguments(found, verb)
  const sources = { raw, env, file: undefined }
  const options = readOptions(START_OPTIONS, configured(raw, verb.options, sources))
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const trading = await tradingOf(options, startWords(operands), {
    operands,
    settings: readSettings(sources),
    terminal: new Terminal({ stdout, stderr, json: true, colour: false, outputClosed: () => undefined }),
    dist: pathToFileURL(folder),
    ...never,
  })
  if (trading === undefined) throw new Error('expected it to trade')
  return (await trading.settings(folder, () => undefined)).trade
}

type Expected = Readonly<Partial<Record<'chain' | 'key' | 'provider' | 'validator', object>>>

it.each<readonly [argv: string, settings: Expected]>([
  [`--reward-recipient ${ADDRESS}`, { chain: { rewardRecipient: ADDRESS } }],
  [`--marketplace-address ${ADDRESS}`, { chain: { marketplace: ADDRESS } }],
  ['--chain-id 1337', { chain: { chainId: 1337 } }],
  ['--confirmations 3', { chain: { confirmations: 3 } }],
  ['--max-priority-fee-per-gas 7', { chain: { maxPriorityFeePerGasWei: 7n } }],
  ['--max-daily-spend 9', { chain: { maxDailySpendWei: 9n } }],
  ['--max-gas-price 11', { key: { maxGasPriceWei: 11n } }],
  ['--max-workers 5', { provider: { workers: 5 } }],
  ['--queue-size 6', { provider: { queueSize: 6 } }],
  ['--num-threads 0', { provider: { threads: undefined } }],
  ['--num-threads 3', { provider: { threads: 3 } }],
  ['--num-threads 16', { provider: { threads: 8 } }],
  ['--proof-samples 2', { provider: { shape: { samples: 2, slotDepth: 32, datasetDepth: 8 } } }],
  ['--max-slot-depth 13', { provider: { shape: { samples: 5, slotDepth: 13, datasetDepth: 8 } } }],
  ['--max-dataset-depth 3', { provider: { shape: { samples: 5, slotDepth: 32, datasetDepth: 3 } } }],
  ['--simulate-proof-failures 4', { provider: { failEveryProofs: 4 } }],
  ['--validator', { validator: {} }],
  ['--validator --validator-max-slots 0', { validator: { maxSlots: 0 } }],
  ['--validator --validator-groups 4', { validator: { group: { groups: 4, groupIndex: 0 } } }],
  [
    '--validator --validator-groups 4 --validator-group-index 3 --validator-max-slots 20',
    { validator: { maxSlots: 20, group: { groups: 4, groupIndex: 3 } } },
  ],
])('%s arrives, and changes nothing else', async (argv, { chain, key, provider, validator }) => {
  const plain = await settingsOf(['persistence'])
  expect(plain.chain).toEqual({ url: ENDPOINT })
  const found = await settingsOf(['persistence', ...argv.split(' ')])
  expect(found.chain).toEqual({ ...plain.chain, ...chain })
  expect(found.provider).toEqual({ ...plain.provider, ...provider })
  expect(found.validator).toEqual(validator)
  expect(found.key).toMatchObject({ address: OWNER, maxGasPriceWei: DEFAULT_MAX_GAS_PRICE_WEI, ...key })
})

it('what the environment gives arrives as well', async () => {
  const env = {
    CODEX_LIGHT_REWARD_RECIPIENT: ADDRESS,
    CODEX_LIGHT_MAX_WORKERS: '5',
    CODEX_LIGHT_VALIDATOR: 'true',
    CODEX_LIGHT_VALIDATOR_GROUPS: '2',
  }
  expect(await settingsOf(['persistence'], { env })).toMatchObject({
    chain: { rewardRecipient: ADDRESS },
    provider: { workers: 5 },
    validator: { group: { groups: 2, groupIndex: 0 } },
  })
})

it('proofs are not made to fail on a chain that is not local', async () => {
  const world = await ChainWorld.start()
  onTestFinished(() => world.stop())
  const elsewhere = await FaultyProxy.start(world.anvil)
  onTestFinished(() => elsewhere.stop())
  elsewhere.tamper = ({ method }, answer) => (method === 'eth_chainId' ? { ...answer, result: '0x1' } : undefined)
  const argv = ['prover', '--circuit-dir', scratchFolder(), '--marketplace-address', world.deployment.marketplace]
  const refused = async (url: string, ...more: readonly string[]): Promise<unknown> => {
    const error: unknown = await settingsOf([...argv, ...more], { url }).catch((error: unknown) => error)
    return CodexError.is(error) ? [error.code, error.message] : error
  }
  const sentence = '--simulate-proof-failures: expected a local chain, found chain 1'
  expect(await refused(elsewhere.endpoint, '--simulate-proof-failures', '2')).toEqual(['cli/bad-value', sentence])
  // These get on to the circuit, which there is none of.
  for (const [url, failing] of [
    [world.anvil.endpoint, '2'],
    [elsewhere.endpoint, '0'],
  ] as const)
    expect(await refused(url, '--simulate-proof-failures', failing)).toEqual(['cli/bad-circuit', expect.any(String)])
}, 60_000)
