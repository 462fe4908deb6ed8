// wallet send killed at any moment, and run again as people do: the receiver is paid once, and told is what became of it.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { NodeKey } from '../../src/market/nodekey.ts'
import { ChainWorld } from '../market/chainworld.ts'
import { FaultyProxy, type ProxiedCall } from '../market/faultyproxy.ts'
import { run, scratchFolder, start } from './command.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const AMOUNT = 1234n
const KEY = NodeKey.fromPrivateKey('59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')

let world: ChainWorld
let proxy: FaultyProxy
beforeAll(async () => {
  world = await ChainWorld.start()
  proxy = await FaultyProxy.start(world.anvil)
})
afterEach(() => rpc('evm_setAutomine', true))
afterAll(async () => {
  await proxy.stop()
  await world.stop()
})

function rpc(method: string, ...params: unknown[]): Promise<unknown> {
  return world.anvil.rpc.call(method, params)
}

/** A data folder with the key, and words of `wallet send` to somebody who has nothing yet. */
async function setUp() {
  const folder = scratchFolder()
  const data = join(folder, 'data')
  mkdirSync(data)
  // A keystore that opens quickly.
  const keystore = await KEY.toKeystore('open sesame', (count) => crypto.getRandomValues(new Uint8Array(count)), 2)
  writeFileSync(join(data, 'keystore.json'), keystore, { mode: 0o600 })
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'open sesame', { mode: 0o600 })
  const chain = ['--eth-provider', proxy.endpoint, '--marketplace-address', world.deployment.marketplace]
  const common = ['--data-dir', data, '--password-file', passwordFile, ...chain, '--json']
  return (to: string, ...more: string[]) => ['wallet', 'send', String(AMOUNT), to, ...more, ...common]
}

let receivers = 0
function receiver(): string {
  return `0x${(++receivers).toString(16).padStart(40, 'd')}`
}

interface Answer {
  readonly hash: string
  readonly earlier: readonly object[]
  readonly error?: { readonly code: string; readonly message: string; readonly detail: Record<string, unknown> }
}

async function send(words: readonly string[]): Promise<Answer & { readonly code: number | null }> {
  const { code, stdout } = await run(words)
  return { ...(JSON.parse(stdout) as Answer), code }
}

type IsTime = (when: 'before' | 'after', calls: readonly ProxiedCall[]) => boolean

/** Killed when it is time, before the calls reach the node or before their answers come back. @returns undefined where it never came to that */
async function killed(words: readonly string[], isTime: IsTime): Promise<'killed' | 'was done' | undefined> {
  const { child, ended } = start(words)
  let isStruck = false
  proxy.gate = (when, calls) => {
    if (!isStruck && !isTime(when, calls)) return Promise.resolve()
    isStruck = true
    child.kill('SIGKILL')
    // Nothing of it gets through any more.
    return new Promise(() => undefined)
  }
  child.stdin.end()
  const { code, stdout } = await ended
  proxy.gate = () => Promise.resolve()
  if (!isStruck) {
    expect(code).not.toBeNull()
    return undefined
  }
  // What it asks last it does not wait for: it may have told what became of it, and have ended, before the blow. Who was told sends the same anew on purpose.
  expect([null, 0]).toContain(code)
  return code === null && stdout === '' ? 'killed' : 'was done'
}

/** At the first message that asks for `method`. */
const at =
  (method: string, side: 'before' | 'after'): IsTime =>
  (when, calls) =>
    when === side && calls.some((call) => call.method === method)

const MOMENTS: readonly (readonly [when: string, isTime: IsTime, fate: 'made' | undefined])[] = [
  ['before the node has it', at('eth_sendRawTransaction', 'before'), 'made'],
  ['before it is in the journal', at('eth_estimateGas', 'after'), undefined],
  ['after the node has it, which forgets it', at('eth_sendRawTransaction', 'after'), 'made'],
]
// Each takes two processes.
test.each(IS_LONG ? MOMENTS : MOMENTS.slice(0, 2))('killed %s: paid once', async (when, isTime, fate) => {
  const [words, to] = [await setUp(), receiver()]
  const isForgotten = when.includes('forgets')
  if (isForgotten) await rpc('evm_setAutomine', false)
  expect(await killed(words(to), isTime)).toBe('killed')
  if (isForgotten) {
    await rpc('anvil_dropAllTransactions')
    await rpc('evm_setAutomine', true)
  }
  const second = await send(words(to))
  expect(await world.tokensOf(to)).toBe(AMOUNT)
  if (fate === undefined) {
    expect(second).toMatchObject({ code: 0, earlier: [] })
    return
  }
  const detail = { coins: false, to, amount: String(AMOUNT), fate, hash: expect.stringMatching(/^0x/) as string }
  expect(second).toMatchObject({ code: 5, error: { code: 'wallet/sent-before', detail } })
})

test('killed and made: refused, and sent once more where that is wanted', async () => {
  const [words, to, other] = [await setUp(), receiver(), receiver()]
  expect(await killed(words(to), at('eth_getTransactionReceipt', 'after'))).toBe('killed')
  const { code, error } = await send(words(to))
  const hash = String(error?.detail['hash'])
  expect([code, error?.code]).toEqual([5, 'wallet/sent-before'])
  expect(error?.message).toContain(`give --again ${hash}`)
  expect(await world.tokensOf(to)).toBe(AMOUNT)
  if (!IS_LONG) {
    expect(await send(words(to, '--again', hash))).toMatchObject({ code: 0, earlier: [] })
    expect(await world.tokensOf(to)).toBe(2n * AMOUNT)
    return
  }
  const beside = await send(words(other))
  expect(beside).toMatchObject({ code: 0, earlier: [{ coins: false, to, amount: String(AMOUNT), fate: 'made' }] })
  expect(await send(words(to))).toMatchObject({ code: 5 })
  expect(await send(words(to, '--again', beside.hash))).toMatchObject({ code: 5 })
  expect(await world.tokensOf(to)).toBe(AMOUNT)
  // Killed in its turn, it is not known by that hash.
  expect(await killed(words(to, '--again', hash), at('eth_sendRawTransaction', 'after'))).toBe('killed')
  expect(await send(words(to, '--again', hash))).toMatchObject({ code: 5, error: { code: 'wallet/sent-before' } })
  expect(await world.tokensOf(to)).toBe(2n * AMOUNT)
  const { error: newer } = await send(words(to))
  expect(newer?.detail['hash']).not.toBe(hash)
  expect(await send(words(to, '--again', String(newer?.detail['hash'])))).toMatchObject({ code: 0, earlier: [] })
  expect(await world.tokensOf(to)).toBe(3n * AMOUNT)
  // What was answered stands in nobody's way.
  expect(await send(words(to))).toMatchObject({ code: 0, earlier: [] })
  expect(await world.tokensOf(to)).toBe(4n * AMOUNT)
})

test.runIf(IS_LONG).each(['before', 'after'] as const)('killed %s each message: paid once', async (side) => {
  const words = await setUp()
  for (let n = 1; ; n++) {
    const to = receiver()
    let messages = 0
    const what = await killed(words(to), (when) => when === side && ++messages === n)
    expect(n).toBeLessThan(60)
    if (what === undefined) break
    if (what === 'killed') expect([0, 5]).toContain((await send(words(to))).code)
    expect(await world.tokensOf(to)).toBe(AMOUNT)
  }
})
