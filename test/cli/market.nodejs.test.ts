// A provider and a client as people start them, each in a process of its own, on a local chain with the verifier of a real circuit, both driven by the public SDK;
// verbs look on. And what start refuses.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Codex } from '@codex-storage/sdk-js'
import { NodeUploadStrategy } from '@codex-storage/sdk-js/node'
import { zipSync } from 'fflate'
import { expect, test } from 'vitest'
import { QUICK_CIRCUIT, QUICK_SHAPE } from '../node/nodeworld.ts'
import { findVerb } from '../../src/cli/parsecommand.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { document, failure, failureHere, noise, run, scratchFolder, start } from './command.ts'
import { good, PERIOD, rows, startDevnet, until } from './devnetprocess.ts'
import { startNode, stopWell } from './startednode.ts'

const SIZE = 16 * 2 ** 20
const IS_LONG = Boolean(import.meta.env['LONG'])
const DURATION = 6000
const SLOTS = 3
/** Nobody listens there. */
const DEAD_PEER = '/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAm5zpp3mL74AkrXK2RwpXUtbgZh17PGZzanbdZkB6ytkx8'
/** Of any dataset. */
const PURCHASE = [
  ...['purchase', 'create', String(manifestCid(new Uint8Array(1)))],
  ...['--duration', '1h', '--price', '1', '--collateral', '1'],
]

const TO_THE_LAST_PAYOUT = IS_LONG ? 'to the last payout' : 'until all slots are reserved'

test(`a provider and a client, started as people do, sell and buy through the public SDK ${TO_THE_LAST_PAYOUT}; verbs see and change the same`, async () => {
  const folder = scratchFolder()
  const circuit = await circuitWithKeys(QUICK_CIRCUIT)
  const circuits = join(folder, 'circuits')
  mkdirSync(circuits)
  writeFileSync(join(circuits, 'proof_main.wasm'), circuit.wasm)
  writeFileSync(join(circuits, 'proof_main.zkey'), circuit.zkey)
  writeFileSync(join(circuits, 'proof_main_verification_key.json'), JSON.stringify(circuit.verificationKey))
  const devnet = await startDevnet(folder, join(circuits, 'proof_main_verification_key.json'))
  const market = (account: number): string[] => {
    const file = join(folder, `key${account}`)
    writeFileSync(file, `${devnet.accounts[account]?.privateKey}\n`, { mode: 0o600 })
    return ['--eth-provider', devnet.endpoint, '--marketplace-address', devnet.marketplace, '--eth-private-key', file]
  }
  const client = await startNode(join(folder, 'client'), ['persistence', ...market(1), '-b', DEAD_PEER])
  const [peer = ''] = client.addresses
  const lonely = 'nothing is sold yet: no peers'
  const reasons = async (): Promise<readonly string[]> => {
    const answer = await fetch(`${client.api}api/v1/readiness`)
    return ((await answer.json()) as { readonly reasons: readonly string[] }).reasons
  }
  // That a peer was named helps nobody: the only one it was given is not there.
  expect(await reasons()).toContain(lonely)
  const shape = ['--proof-samples', String(QUICK_SHAPE.samples), '--max-slot-depth', String(QUICK_SHAPE.slotDepth)]
  const provider = await startNode(join(folder, 'provider'), [
    ...[
      'persistence',
      'prover',
      ...market(2),
      '-b',
      peer,
      '--circuit-dir',
      circuits,
      '--metrics',
      '--metrics-port',
      '0',
    ],
    ...[...shape, '--max-dataset-depth', String(QUICK_SHAPE.datasetDepth)],
  ])
  const facts = provider as unknown as { roles: string[]; circuitCheck: string; metrics: string; host: string }
  expect(facts).toMatchObject({ roles: ['client', 'provider'], host: devnet.accounts[2]?.address.toLowerCase() })
  expect(facts.circuitCheck).toContain('before the first sale a proof is made with them and verified')

  await expect.poll(reasons).not.toContain(lonely)

  const own = (...words: string[]) => document([...words, '-d', provider.dataDir])
  // What is sold, and for what, the public SDK says.
  const theirs = new Codex(provider.api.replace(/\/$/, ''))
  const terms = { totalSize: SIZE, duration: 7200, minPricePerBytePerSecond: 5, totalCollateral: 1_000_000_000 }
  const { id } = await good(theirs.marketplace.createAvailability(terms))
  expect(await own('availability', 'list')).toMatchObject({ availabilities: [{ id, totalSize: SIZE, freeSize: SIZE }] })
  const dear = await own('availability', 'set', id, '--min-price', '1/GiB-month')
  // 10^18 / (2^30 · 2592000), rounded up.
  expect(dear).toMatchObject({ id, minPricePerBytePerSecond: '360', totalCollateral: '1000000000' })
  expect((await run(['availability', 'list', '-d', provider.dataDir])).stdout).toContain(
    '1.00192997081088 tokens/GiB-month',
  )
  expect(await good(theirs.marketplace.updateAvailability({ id, ...terms, minPricePerBytePerSecond: 2 }))).toBe('')
  expect(await good(theirs.marketplace.availabilities())).toMatchObject([{ id, minPricePerBytePerSecond: 2n }])
  expect(await own('pause')).toMatchObject({ holds: expect.arrayContaining(['paused']) as string[] })
  await own('resume')

  const sdk = new Codex(client.api.replace(/\/$/, ''))
  const cid = await good(sdk.data.upload(new NodeUploadStrategy(noise(5 * 65_536, 1))).result)
  const asked = await good(
    sdk.marketplace.createStorageRequest({
      ...{ cid, duration: DURATION, proofProbability: 1, pricePerBytePerSecond: 3, collateralPerByte: 5 },
      ...{ expiry: 3000, nodes: SLOTS, tolerance: 1 },
    }),
  )
  const state = async () => (await good(sdk.marketplace.purchaseDetail(asked))).state
  const reservations = async () => (await good(theirs.marketplace.reservations(id))) as { requestId: string }[]
  await until(
    'all slots reserved',
    async () => (await reservations()).length === SLOTS,
    () => provider.said(),
  )
  expect((await reservations()).map(({ requestId }) => requestId)).toEqual(Array<string>(SLOTS).fill(`0x${asked}`))
  expect(await good(sdk.marketplace.purchaseIds())).toEqual([`0x${asked}`])
  expect(await document(['purchase', 'show', asked, '-d', client.dataDir])).toMatchObject({
    ...{ state: 'submitted', filled: expect.any(Number) as number, endsAt: expect.any(Number) as number },
  })
  expect((await failure(['purchase', 'withdraw', asked, '-d', client.dataDir])).error.code).toBe('purchase/not-over')
  expect((await failure(['availability', 'rm', id, '-d', provider.dataDir])).error.code).toBe('reservations/not-empty')
  const metrics = await (await fetch(facts.metrics)).text()
  expect(metrics).toContain('codex_provider_reservations 3\n')

  // Proofs wait for periods of real time: to the last payout where there is time.
  if (IS_LONG) {
    const sales = async () => (await rows(provider, 'sales')) as { state: string }[]
    await until('all ready to prove', async () => (await sales()).every(({ state: at }) => at === 'SaleInitialProving'))
    const { marketplace } = (await rows(provider, 'status')) as { marketplace: { now: number } }
    const left = PERIOD - (marketplace.now % PERIOD)
    if (left > 60) await devnet.call('evm_increaseTime', left + 1)
    await until(
      'started',
      async () => (await state()) === 'started',
      () => provider.said(),
    )
    const slots = (await good(theirs.marketplace.activeSlots())) as unknown as { id: string; request: { id: string } }[]
    expect(slots.map(({ request }) => request.id)).toEqual(Array<string>(SLOTS).fill(`0x${asked}`))
    const agent = await good(theirs.marketplace.activeSlot(slots[0]?.id ?? ''))
    expect(agent).toMatchObject({ requestId: `0x${asked}`, reservation: { availabilityId: id } })
    await own('drain')
    await devnet.call('evm_increaseTime', DURATION)
    await until('finished', async () => (await state()) === 'finished')
    const earned = async () => (await own('earnings')) as { total: string; slots: { end: string }[] }
    await until('all paid', async () => (await earned()).slots.length === SLOTS)
    expect((await earned()).slots.map(({ end }) => end)).toEqual(['paid', 'paid', 'paid'])
    expect(BigInt((await earned()).total)).toBeGreaterThan(0n)
    expect(await own('availability', 'list')).toMatchObject({
      availabilities: [{ freeSize: SIZE, totalRemainingCollateral: '1000000000' }],
    })
    expect(await own('availability', 'rm', id)).toEqual({ removed: [id] })
  }
  await Promise.all([stopWell(client), stopWell(provider)])
}, 300_000)

test.runIf(IS_LONG)(
  'a provider takes its circuit from an archive, a file or a URL, and only from the one that the chain names',
  async () => {
    const folder = scratchFolder()
    const { wasm, zkey, r1cs, verificationKey } = await circuitWithKeys(QUICK_CIRCUIT)
    const files = {
      'proof_main.r1cs': r1cs,
      'proof_main.wasm': wasm,
      'proof_main.zkey': zkey,
      'proof_main_verification_key.json': new TextEncoder().encode(JSON.stringify(verificationKey)),
    }
    const archive = zipSync(files)
    const zkeyHash = createHash('sha256').update(archive).digest('hex')
    const [archiveFile, otherFile] = [join(folder, 'circuit.zip'), join(folder, 'other.zip')]
    writeFileSync(archiveFile, archive)
    writeFileSync(otherFile, zipSync({ ...files, 'note.txt': new Uint8Array(1) }))
    const configuration = join(folder, 'configuration.json')
    writeFileSync(configuration, JSON.stringify({ proofs: { zkeyHash } }))
    const keyFile = join(folder, 'verification.json')
    writeFileSync(keyFile, JSON.stringify(verificationKey))
    const devnet = await startDevnet(folder, keyFile, ['--config', configuration])
    const privateKey = join(folder, 'key')
    writeFileSync(privateKey, `${devnet.accounts[2]?.privateKey}\n`, { mode: 0o600 })
    const { samples, slotDepth, datasetDepth } = QUICK_SHAPE
    const args = (circuit: string): string[] => [
      ...['persistence', 'prover', '--circuit', circuit, '--eth-provider', devnet.endpoint],
      ...['--marketplace-address', devnet.marketplace, '--eth-private-key', privateKey],
      ...['--proof-samples', String(samples), '--max-slot-depth', String(slotDepth)],
      ...['--max-dataset-depth', String(datasetDepth)],
    ]
    // Nothing that an earlier run kept.
    const env = { XDG_CACHE_HOME: join(folder, 'cache') }
    const refused = await failure(['start', '-d', join(folder, 'refused'), '-p', '0', ...args(otherFile)], { env })
    expect([refused.code, refused.error.code]).toEqual([5, 'proving/wrong-archive'])
    expect(refused.error.message).toContain(zkeyHash)

    const asked: string[] = []
    const server = createServer(({ url = '' }, response) => {
      asked.push(url)
      response.end(archive)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      for (const from of [archiveFile, url]) {
        const node = await startNode(join(folder, 'data'), args(from), { env })
        const { circuitCheck } = node as unknown as { readonly circuitCheck: string }
        expect(circuitCheck).toBe(`the archive ${from} has the hash that the chain names, ${zkeyHash}`)
        await stopWell(node)
        rmSync(env.XDG_CACHE_HOME, { recursive: true })
      }
      expect(asked).toEqual([`/${zkeyHash}`])
    } finally {
      server.close()
    }
  },
  300_000,
)

test('verbs that need a running node say so, and start says what it lacks', async () => {
  const folder = scratchFolder()
  const data = ['-d', join(folder, 'data')]
  const id = `0x${'ab'.repeat(32)}`
  const verbs = [
    ...[['earnings'], ['pause'], ['resume'], ['drain'], ['availability', 'list'], ['availability', 'rm', id]],
    ['availability', 'set', id, '--enabled', 'false'],
    ['availability', 'add', '--size', '1GiB', '--duration', '1d', '--min-price', '1', '--collateral', '1'],
    ...[PURCHASE, ['purchase', 'list'], ['purchase', 'show', id], ['purchase', 'withdraw', id]],
  ]
  for (const verb of verbs) {
    // Their help says of which node.
    const found = findVerb(verb)
    if (found === undefined || 'group' in found) throw new Error(`${verb.join(' ')} has no verb`)
    expect((await found.entry.load()).about).toMatch(/\bthe\srunning\snode\b/)
    const { code, error } = await failureHere([...verb, ...data])
    expect([verb, code, error.code]).toEqual([verb, 3, 'node/not-running'])
    expect(error.message).toContain('codex-light start')
  }
  const key = join(folder, 'key')
  writeFileSync(key, `${'11'.repeat(32)}\n`, { mode: 0o644 })
  const provider = ['--eth-provider', 'http://127.0.0.1:1']
  for (const [args, code, exit] of [
    [['persistence'], 'cli/no-endpoint', 2],
    [['prover'], 'cli/no-endpoint', 2],
    [['persistence', 'sell'], 'cli/bad-operands', 2],
    [[...provider], 'cli/no-password', 2],
    [[...provider, '--eth-private-key', key], 'wallet/unsafe-file', 4],
    [['--api-token', 'a blank'], 'cli/bad-value', 2],
    [['--api-token', ''], 'cli/bad-value', 2],
    ...['http://a/', 'http://a,http://b/', 'http://a http://b', 'a', 'https://a:443', 'http://A', 'null', ',', ''].map(
      (origins) => [['--api-cors-origin', origins], 'cli/bad-value', 2] as const,
    ),
    // Short ones are for this machine only.
    [['--api-token', 'short', '--api-bindaddr', '0.0.0.0'], 'cli/bad-value', 2],
    [['--api-token', 'short', '--api-host', 'node.example'], 'cli/bad-value', 2],
    [['--api-token-file', key], 'wallet/unsafe-file', 4],
    // The last letter is not what its checksum says.
    [[...provider, '--reward-recipient', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'], 'cli/bad-value', 2],
    [['--eth-account', '0x1'], 'cli/refused-option', 2],
  ] as const) {
    const found = await failureHere(['start', ...args, ...data])
    expect([args, found.error.code, found.code]).toEqual([args, code, exit])
  }
})

test('a node that waits for its chain says so to whoever looks: as an alert, a reason and a number', async () => {
  const folder = scratchFolder()
  const key = join(folder, 'key')
  writeFileSync(key, `${'11'.repeat(32)}\n`, { mode: 0o600 })
  const dataDir = join(folder, 'data')
  const market = ['--eth-provider', 'http://127.0.0.1:1', '--eth-private-key', key]
  const { child, ended } = start(['start', 'persistence', '-d', dataDir, '-p', '0', ...market])
  let node: { url: string; token: string } | undefined
  const ask = async (path: string): Promise<string> => {
    node ??= JSON.parse(readFileSync(join(dataDir, 'api.json'), 'utf8')) as { url: string; token: string }
    return (await fetch(`${node.url}api/v1/${path}`, { headers: { Authorization: `Bearer ${node.token}` } })).text()
  }
  await until('an alert', async () => (await ask('alerts').catch(() => '')).includes('market/unreachable'))
  expect(JSON.parse(await ask('alerts'))).toMatchObject({ alerts: [{ code: 'market/unreachable', atStake: '0' }] })
  const metrics = await ask('metrics')
  expect(metrics).toContain('codex_light_chain_endpoint_up 0\n')
  expect(metrics).toContain('codex_light_alerts{code="market/unreachable"} 1\n')
  expect(await ask('status')).toContain('the marketplace was not entered yet: the request got no answer')
  child.kill('SIGINT')
  // It did not run yet: its end is none that it was waiting for.
  expect((await ended).code).toBe(130)
}, 60_000)
