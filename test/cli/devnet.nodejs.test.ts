// The verb devnet as a process: the chain it makes, the file it writes, and that nothing is left of it, however it ends.

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { Contract, type InterfaceAbi, JsonRpcProvider, Wallet } from 'ethers'
import { expect, onTestFinished, test } from 'vitest'
import { readArtefacts } from '../../src/devnet/contractartefact.ts'
import { compiledContract } from '../compilecontracts.ts'
import { Trapdoor } from '../devnet/trapdoor.ts'
import abi from '../vectors/marketplace-abi.json' with { type: 'json' }
import type { Running } from './command.ts'
import { failure, scratchFolder, start } from './command.ts'

interface Document {
  readonly endpoint: string
  readonly chainId: number
  readonly pid: number
  readonly marketplace: string
  readonly token: string
  readonly verifier: string
  readonly anyProof: boolean
  readonly block: number
  readonly blockSeconds: number
  readonly configuration: { readonly proofs: object }
  readonly accounts: readonly { readonly address: string; readonly privateKey: string }[]
  readonly deployment: string
}

interface Started extends Running {
  readonly facts: Document
}

async function startDevnet(args: readonly string[] = [], folder = scratchFolder()): Promise<Started> {
  const running = start(['devnet', '--json', ...args], { cwd: folder })
  let said = ''
  while (!said.endsWith('\n')) {
    const [text] = (await Promise.race([once(running.child.stdout, 'data'), failed(running)])) as [string]
    said += text
  }
  return { ...running, facts: JSON.parse(said) as Document }
}

async function failed({ ended }: Running): Promise<never> {
  throw new Error(`ended before it was ready: ${JSON.stringify(await ended)}`)
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function providerOf({ endpoint }: Document): JsonRpcProvider {
  const provider = new JsonRpcProvider(endpoint, undefined, { cacheTimeout: -1 })
  onTestFinished(() => provider.destroy())
  return provider
}

test('makes a chain on which the marketplace answers, and writes down where', async () => {
  const folder = scratchFolder()
  const { facts, child, ended } = await startDevnet(
    ['--period', '30s', '--downtime', '32', '--tokens', '12345'],
    folder,
  )
  expect(JSON.parse(readFileSync(join(folder, 'deployment.json'), 'utf8'))).toEqual(facts)
  expect(facts).toMatchObject({ chainId: 31_337, anyProof: true, blockSeconds: 1 })
  // Where nodes look for it on a local chain.
  expect(facts.marketplace).toBe('0x322813fd9a801c5507c9de605d63cea4f2ce6c44')

  const provider = providerOf(facts)
  const marketplace = new Contract(facts.marketplace, abi, provider)
  const configuration = (await marketplace.getFunction('configuration')()) as { proofs: { toObject(): object } }
  expect(configuration.proofs.toObject()).toEqual({
    period: 30n,
    timeout: 30n,
    downtime: 32n,
    downtimeProduct: 67n,
    zkeyHash: expect.any(String) as unknown,
  })
  expect(String(await marketplace.getFunction('token')()).toLowerCase()).toBe(facts.token)
  const token = new Contract(facts.token, ['function balanceOf(address) view returns (uint256)'], provider)
  expect(facts.accounts).toHaveLength(20)
  for (const { address, privateKey } of facts.accounts) {
    expect(new Wallet(privateKey).address.toLowerCase()).toBe(address)
    expect(await token.getFunction('balanceOf')(address)).toBe(12_345n)
  }

  // Blocks come by themselves, with the time of the wall clock; those before the deployment lie a second apart.
  const first = await provider.getBlock(0)
  const deployment = await provider.getBlock(facts.block)
  expect((deployment?.timestamp ?? 0) - (first?.timestamp ?? 0)).toBeGreaterThanOrEqual(facts.block - 3)
  const height = await provider.getBlockNumber()
  while ((await provider.getBlockNumber()) < height + 2) await delay(50)
  const latest = await provider.getBlock('latest')
  expect(Math.abs(Date.now() / 1000 - (latest?.timestamp ?? 0))).toBeLessThan(60)

  child.kill('SIGINT')
  const interrupted = performance.now()
  expect(await ended).toMatchObject({ code: 0, stderr: '' })
  expect(performance.now() - interrupted).toBeLessThan(5_000)
  expect(lives(facts.pid)).toBe(false)
})

test('the build writes what it deploys, as the compiler made it', async () => {
  const artefacts = await readArtefacts(new URL('../../dist/', import.meta.url))
  for (const [name, artefact] of Object.entries(artefacts)) expect(artefact).toEqual(await compiledContract(name))
  const nowhere = readArtefacts(new URL(`file://${scratchFolder()}/`))
  await expect(nowhere).rejects.toMatchObject({ code: 'devnet/not-built' })
})

test('with a verification key, only proofs that it verifies count', async () => {
  const folder = scratchFolder()
  const trapdoor = new Trapdoor(3)
  const key = join(folder, 'key.json')
  writeFileSync(key, JSON.stringify(trapdoor.json))
  const { facts, child, ended } = await startDevnet(['--verification-key', key], folder)
  expect(facts.anyProof).toBe(false)
  const { abi: verifierAbi } = await compiledContract('Groth16Verifier')
  const verifier = new Contract(facts.verifier, verifierAbi as InterfaceAbi, providerOf(facts))
  const verify = (proof: object, inputs: readonly bigint[]): Promise<unknown> =>
    verifier.getFunction('verify').staticCall(proof, inputs) as Promise<unknown>
  expect(await verify(trapdoor.prove([1n, 2n, 3n]), [1n, 2n, 3n])).toBe(true)
  expect(await verify(trapdoor.prove([1n, 2n, 3n]), [1n, 2n, 4n])).toBe(false)
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0 })
})

test('killed with -9, it leaves no process', async () => {
  const { facts, child } = await startDevnet()
  expect(lives(facts.pid)).toBe(true)
  child.kill('SIGKILL')
  while (lives(facts.pid)) await delay(20)
})

test('says so when the chain has ended by itself', async () => {
  const { facts, ended } = await startDevnet()
  process.kill(facts.pid, 'SIGKILL')
  const { code, stderr } = await ended
  expect([code, stderr.includes('devnet/ended')]).toEqual([1, true])
})

test('a file changes the configuration, flags change it further, and fast blocks are remarked on', async () => {
  const folder = scratchFolder()
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({ proofs: { period: 90, downtime: 10, timeout: 7 }, requestDurationLimit: 99 }))
  const args = ['--config', config, '--period', '60s', '--block-time', '2s', '--accounts', '2', '--chain-id', '4242']
  const { facts, child, ended } = await startDevnet([...args, '--deployment', join(folder, 'there.json')], folder)
  expect(facts).toMatchObject({
    chainId: 4242,
    blockSeconds: 2,
    configuration: { proofs: { period: 60, downtime: 10, timeout: 7 }, requestDurationLimit: 99 },
    deployment: join(folder, 'there.json'),
  })
  expect(facts.accounts).toHaveLength(2)
  child.kill('SIGTERM')
  expect((await ended).stderr).toMatch(/^codex-light: blocks come so fast/)
})

test('what cannot be is refused by name, and nothing is left', async () => {
  const folder = scratchFolder()
  const path = (name: string, content: object): string => {
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const tries: readonly [args: readonly string[], code: string, exit: number][] = [
    [['--port', '65536'], 'cli/bad-value', 2],
    [['--downtime', '256'], 'cli/bad-value', 2],
    [['--accounts', '0'], 'cli/bad-value', 2],
    [['--tokens', '1.5'], 'cli/bad-value', 2],
    [['--config', join(folder, 'missing.json')], 'devnet/bad-file', 2],
    [['--config', path('a.json', { proofs: { perod: 1 } })], 'devnet/bad-configuration', 2],
    [['--config', path('b.json', { collateral: { slashPercentage: 101 } })], 'devnet/deployment-failed', 1],
    [['--verification-key', path('c.json', { protocol: 'plonk' })], 'devnet/bad-key', 2],
  ]
  for (const [args, code, exit] of tries) {
    const found = await failure(['devnet', ...args], { cwd: folder })
    expect([args, found.error.code, found.code]).toEqual([args, code, exit])
    if (code === 'devnet/deployment-failed') expect(found.error.message).toContain('SlashPercentageTooHigh')
  }
})
