// The local EVM node as a process: it answers when it is said to, and it is gone when it should be, however we end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Anvil, type AnvilOptions, startAnvil } from '../../src/devnet/anvil.ts'
import { findAnvil } from '../../src/devnet/findanvil.ts'
import { quantity } from '../../src/devnet/jsonrpc.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { bundleChild } from '../children.ts'

const signal = new AbortController().signal

async function start(options: AnvilOptions = {}): Promise<Anvil> {
  const anvil = await startAnvil({ ...options, signal })
  onTestFinished(() => anvil.stop())
  return anvil
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Ends by the timeout of the test when it lives for ever. */
async function gone(pid: number): Promise<void> {
  while (lives(pid)) await delay(20)
}

test('answers at once, on a port of its own, with the time and the accounts asked for', async () => {
  const [one, other] = await Promise.all([start({ genesisTime: 1_700_000_000, accounts: 3 }), start()])
  expect(one.port).not.toBe(other.port)
  expect(await one.rpc.call('eth_chainId')).toBe('0x7a69')
  expect(await one.rpc.call('eth_accounts')).toHaveLength(3)
  const block = await one.rpc.call<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
  expect(Number(block.timestamp)).toBe(1_700_000_000)
  expect(await other.rpc.batch([['eth_blockNumber'], ['eth_chainId']])).toEqual(['0x0', '0x7a69'])
})

test('keeps the states of enough blocks, and none on the disk', async () => {
  const home = mkdtempSync(join(tmpdir(), 'codex-light-home-'))
  vi.stubEnv('HOME', home)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(home, { recursive: true, force: true })
  })
  const { rpc } = await start()
  await rpc.call('anvil_mine', [quantity(600)])
  const [account] = await rpc.call<string[]>('eth_accounts')
  expect(BigInt(await rpc.call<string>('eth_getBalance', [account, quantity(480)]))).toBeGreaterThan(0n)
  await expect(rpc.call('eth_getBalance', [account, quantity(400)])).rejects.toMatchObject({
    code: 'devnet/rpc-refused',
  })
  expect(await rpc.call('eth_getBlockByNumber', [quantity(400), false])).toMatchObject({ number: quantity(400) })
  const left = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  expect(left.map(({ name }) => name)).toEqual([])
})

test('stop leaves no process and ends calls, and twice is as good as once', async () => {
  const anvil = await start()
  expect(lives(anvil.pid)).toBe(true)
  await Promise.all([anvil.stop(), anvil.stop()])
  expect(lives(anvil.pid)).toBe(false)
  await expect(anvil.rpc.call('eth_chainId')).rejects.toMatchObject({ code: 'devnet/stopped' })
})

test('closed settles when the node dies by itself', async () => {
  const anvil = await start()
  process.kill(anvil.pid, 'SIGKILL')
  await anvil.closed
})

test('a port in use is said, and nothing is left', async () => {
  const { port } = await start()
  await expect(startAnvil({ port, signal })).rejects.toMatchObject({
    code: 'devnet/anvil-failed',
    message: expect.stringMatching(/in use/i) as unknown,
  })
})

test('an aborted start ends with the reason', async () => {
  const controller = new AbortController()
  const starting = startAnvil({ signal: controller.signal })
  controller.abort(new CodexError('test/enough', 'enough'))
  await expect(starting).rejects.toMatchObject({ code: 'test/enough' })
  await expect(startAnvil({ signal: controller.signal })).rejects.toMatchObject({ code: 'test/enough' })
})

test('a refused call carries what the node said', async () => {
  const { rpc } = await start()
  await expect(rpc.call('eth_nonsense')).rejects.toMatchObject({
    code: 'devnet/rpc-refused',
    detail: { method: 'eth_nonsense', rpcCode: expect.any(Number) as unknown },
  })
})

test('a platform without the executable is told so', () => {
  expect(() => findAnvil({ platform: 'plan9', arch: 'mips' })).toThrow(
    expect.objectContaining({ code: 'devnet/no-anvil', detail: expect.objectContaining({ arch: 'mips' }) as unknown }),
  )
})

/** A process that has started a node, and the ids of the processes beneath it. */
async function starter(): Promise<{ kill(signal: NodeJS.Signals): void; keeper: number; node: number }> {
  const child = spawn(process.execPath, [(await bundleChild('anvilstarter')).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const { keeper, node } = JSON.parse(line) as { keeper: number; node: number }
  onTestFinished(() => {
    if (lives(node)) process.kill(node, 'SIGKILL')
  })
  expect([lives(keeper), lives(node)]).toEqual([true, true])
  return { kill: (by) => child.kill(by), keeper, node }
}

test('killed with -9, we leave neither node nor keeper', async () => {
  const { kill, keeper, node } = await starter()
  kill('SIGKILL')
  await Promise.all([gone(node), gone(keeper)])
})

test('when the keeper alone is killed, the node goes too', async () => {
  const { keeper, node } = await starter()
  process.kill(keeper, 'SIGKILL')
  await gone(node)
})
