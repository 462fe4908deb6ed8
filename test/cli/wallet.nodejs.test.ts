// wallet, doctor and config print --chain, on a real chain.

import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ChainWorld, keyOf, RICH } from '../market/chainworld.ts'
import { document, failure, run, scratchFolder } from './command.ts'

const KEY = '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
const NOBODY = `0x${'ab'.repeat(20)}`

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())

async function secretFile(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

async function setUp(password = 'open sesame\n') {
  const folder = scratchFolder()
  const passwordFile = await secretFile(folder, 'password', password)
  const data = join(folder, 'data')
  const args = ['--data-dir', data, '--password-file', passwordFile]
  const chain = ['--eth-provider', world.anvil.endpoint, '--marketplace-address', world.deployment.marketplace]
  return { folder, keystore: join(data, 'keystore.json'), args, chain }
}

test('wallet new keeps a key that only the owner may read, and never writes over it', async () => {
  const { args, keystore } = await setUp()
  const made = await document(['wallet', 'new', ...args])
  expect(made).toEqual({ address: expect.stringMatching(/^0x[0-9a-f]{40}$/), keystore })
  expect((await stat(keystore)).mode & 0o777).toBe(0o600)
  const text = await readFile(keystore, 'utf8')
  expect(JSON.parse(text)).toMatchObject({ version: 3, crypto: { kdf: 'scrypt', kdfparams: { n: 131072 } } })
  expect(await document(['wallet', 'show', ...args])).toEqual(made)
  expect(await refusal(['wallet', 'new', ...args])).toEqual([4, 'wallet/exists'])
  expect(await readFile(keystore, 'utf8')).toBe(text)
})

test('wallet import takes a private key or a keystore; what others may read is refused', async () => {
  const { args, folder, keystore } = await setUp()
  const file = await secretFile(folder, 'key', `0x${KEY}\n`)
  await chmod(file, 0o644)
  expect(await refusal(['wallet', 'import', file, ...args])).toEqual([4, 'wallet/unsafe-file'])
  await chmod(file, 0o600)
  expect(await document(['wallet', 'import', file, ...args])).toEqual({ address: keyOf(1).address, keystore })
  // Looked at where it lies, too.
  expect(await document(['wallet', 'show', '--eth-private-key', file, '-d', join(folder, 'none')])).toEqual({
    address: keyOf(1).address,
    keystore: file,
  })
  const other = await setUp('another\n')
  const own = await secretFile(folder, 'own', 'open sesame\n')
  const importing = ['wallet', 'import', keystore, ...other.args]
  expect(await refusal(importing)).toEqual([4, 'wallet/wrong-password'])
  expect(await document([...importing, '--import-password-file', own])).toMatchObject({ address: keyOf(1).address })
})

test('without a password, a key or an endpoint it says what to give', async () => {
  const { args, chain } = await setUp()
  expect(await refusal(['wallet', 'new', ...args.slice(0, 2)])).toEqual([2, 'cli/no-password'])
  expect(await refusal(['wallet', 'show', ...args])).toEqual([4, 'wallet/not-found'])
  expect(await refusal(['wallet', 'send', '1', NOBODY, ...args])).toEqual([2, 'cli/no-endpoint'])
  expect(await refusal(['wallet', 'send', '1', NOBODY, ...args, ...chain])).toEqual([4, 'wallet/not-found'])
  expect(await refusal(['doctor', ...args])).toEqual([2, 'cli/no-endpoint'])
})

test('wallet send sends tokens and coins, and show tells what is left', async () => {
  const { args, chain, folder } = await setUp()
  await document(['wallet', 'import', await secretFile(folder, 'key', KEY), ...args])
  const before = await document(['wallet', 'show', ...args, ...chain])
  expect(before).toMatchObject({ tokens: String(RICH), allowance: '0', chainId: 31337, token: world.deployment.token })
  const sent = await document(['wallet', 'send', '0.000000000000001tokens', NOBODY, ...args, ...chain])
  expect(sent).toMatchObject({ hash: expect.stringMatching(/^0x[0-9a-f]{64}$/), block: await world.blockNumber() })
  expect(await world.tokensOf(NOBODY)).toBe(1000n)
  await document(['wallet', 'send', '77', NOBODY, '--coins', ...args, ...chain])
  expect(BigInt(await world.anvil.rpc.call<string>('eth_getBalance', [NOBODY, 'latest']))).toBe(77n)
  expect(await document(['wallet', 'show', ...args, ...chain])).toMatchObject({ tokens: String(RICH - 1000n) })
  expect(await refusal(['wallet', 'send', '1', '0x12', ...args, ...chain])).toEqual([2, 'market/bad-address'])
  const capped = ['wallet', 'send', '1', NOBODY, ...args, ...chain, '--max-gas-price', '1']
  expect(await refusal(capped)).toEqual([5, 'wallet/gas-price-over-cap'])
})

test('doctor finds a healthy chain healthy, and says what is wrong with others', async () => {
  const { args, chain, folder } = await setUp()
  expect(await failureOf(['doctor', ...args, ...chain])).toEqual([4, ['key']])
  await document(['wallet', 'import', await secretFile(folder, 'key', KEY), ...args])
  await world.mine()
  const found = (await document(['doctor', ...args, ...chain])) as { healthy: boolean; findings: { check: string }[] }
  expect(found.healthy).toBe(true)
  expect(found.findings.map(({ check }) => check)).toEqual([
    ...['endpoint', 'chain', 'contract', 'abi', 'clock', 'coins', 'tokens', 'allowance', 'key'],
  ])
  const [endpoint, url] = chain
  const nowhere = ['--eth-provider', 'http://127.0.0.1:9', '--marketplace-address', NOBODY]
  expect(await failureOf(['doctor', ...args, ...nowhere])).toEqual([3, ['endpoint']])
  expect(await failureOf(['doctor', ...args, endpoint ?? '', url ?? '', '--marketplace-address', NOBODY])).toEqual([
    1,
    ['contract'],
  ])
  expect(await failureOf(['doctor', ...args, ...chain, '--chain-id', '1'])).toEqual([1, ['chain']])
  expect((await document(['doctor', ...args, ...chain, '--chain-id', '31337'])) as object).toMatchObject({
    healthy: true,
  })
  expect(await refusal(['wallet', 'show', ...args, ...chain, '--chain-id', '1'])).toEqual([1, 'market/wrong-chain'])
  const token = ['--marketplace-address', world.deployment.token]
  expect(await failureOf(['doctor', ...args, endpoint ?? '', url ?? '', ...token])).toEqual([1, ['abi']])
})

test('doctor fails as the table of exit codes says where coins or tokens are missing', async () => {
  const { args, chain } = await setUp()
  const { address } = await document(['wallet', 'new', ...args])
  expect(await failureOf(['doctor', ...args, ...chain])).toEqual([4, ['coins', 'tokens']])
  await world.anvil.rpc.call('anvil_setBalance', [address, '0xde0b6b3a7640000'])
  expect(await failureOf(['doctor', ...args, ...chain])).toEqual([4, ['tokens']])
  const { stdout } = await run(['doctor', ...args, ...chain, '--json'])
  const { findings } = JSON.parse(stdout) as { findings: { check: string; code?: string }[] }
  expect(findings.find(({ check }) => check === 'tokens')?.code).toBe('wallet/low-tokens')
})

test('what is wrong with the endpoint or the contract names the options that put it right', async () => {
  const { args, chain } = await setUp()
  const none = [...chain.slice(0, 2), '--marketplace-address', NOBODY]
  const printing = ['config', 'print', '--chain', ...args]
  const elsewhere = '; name another endpoint with `--eth-provider`, or see `--chain-id`'
  const nobody = '; name the contract with `--marketplace-address`, or another endpoint with `--eth-provider`'
  expect((await failure([...printing, ...chain, '--chain-id', '1'])).error.message).toContain(elsewhere)
  expect((await failure([...printing, ...none])).error).toMatchObject({
    code: 'market/no-contract',
    message: expect.stringContaining(nobody) as string,
  })
  expect((await run(['doctor', ...args, ...none])).stdout).toContain(nobody)
})

test('config print --chain shows what the marketplace was deployed with', async () => {
  const { args, chain } = await setUp()
  const { chain: shown } = (await document(['config', 'print', '--chain', ...args, ...chain])) as { chain: unknown }
  expect(shown).toMatchObject({
    chainId: 31337,
    marketplace: world.deployment.marketplace,
    terms: { proofs: { period: 10, timeout: 5, downtime: 64, downtimeProduct: 67 }, requestDurationLimit: 2592000 },
  })
  const printing = ['config', 'print', '--chain', ...args, ...chain, '--chain-id']
  expect(await document([...printing, '31337'])).toMatchObject({ chain: { chainId: 31337 } })
  expect(await refusal([...printing, '1'])).toEqual([1, 'market/wrong-chain'])
  expect(await refusal(['config', 'print', '--chain', ...args, '--eth-provider', 'http://127.0.0.1:9'])).toEqual([
    3,
    'market/unreachable',
  ])
})

/** Exit code, and the error's code. */
async function refusal(args: readonly string[]): Promise<[code: number | null, error: string]> {
  const { code, error } = await failure(args)
  return [code, error.code]
}

/** Exit code, and the checks that are bad. */
async function failureOf(args: readonly string[]): Promise<[code: number | null, bad: string[]]> {
  const { code, stdout } = await run([...args, '--json'])
  const { findings } = JSON.parse(stdout) as { findings: { check: string; state: string }[] }
  return [code, findings.filter(({ state }) => state === 'bad').map(({ check }) => check)]
}
