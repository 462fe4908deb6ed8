// The world of the demo where a part of it fails: what runs by then is ended, in order. Chain, circuit and nodes are fakes here.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { openWorld } from '../../src/cli/demoworld.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { Terminal } from '../../src/cli/terminal.ts'

const told = vi.hoisted((): string[] => [])
const folders = vi.hoisted((): string[] => [])

vi.mock('../../src/nodejs.ts', () => ({
  openProving: async () => ({ countConstraints: async () => 1 }),
  createNode: async ({ roles: [role], dataDir }: { readonly roles: readonly string[]; readonly dataDir: string }) => {
    folders.push(dataDir)
    if (role === 'provider') throw new Error('no room')
    if (role === 'validator') await delay(50)
    told.push(`${role} runs`)
    return {
      stop: async () =>
        void told.push(`${role} stops, its folder ${existsSync(dirname(dataDir)) ? 'is there' : 'is gone'}`),
    }
  },
}))
vi.mock('../../src/cli/buildcircuit.ts', () => ({
  buildCircuit: async () => ({
    ...{ folder: '/c', r1cs: '/c/r', wasm: '/c/w', zkey: '/c/z' },
    verificationKey: '/dev/null',
  }),
}))
vi.mock('../../src/devnet/contractartefact.ts', () => ({ readArtefacts: async () => ({}) }))
vi.mock('../../src/devnet/startdevnet.ts', () => ({
  startDevnet: async () => ({
    ...{ endpoint: 'http://127.0.0.1:1', contracts: { marketplace: '0x', block: 0 } },
    accounts: Array.from({ length: 4 }, () => ({ privateKey: '0x01' })),
    closed: new Promise(() => undefined),
    stop: async () => void told.push('the chain stops'),
  }),
}))
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<object>()),
  readFile: async () => '{}',
}))

test('when one node fails, the other that was starting is ended before its folder goes', async () => {
  const stream = (): Writable => new Writable({ write: (_, __, done) => done() })
  const terminal = new Terminal({
    ...{ stdout: stream(), stderr: stream(), json: true, colour: false, outputClosed: () => undefined },
  })
  const opening = openWorld({
    ...{ terminal, periodSeconds: 30, settings: readSettings({ raw: {}, env: {}, file: undefined }) },
    ...{ signal: new AbortController().signal, dist: new URL('file:///dist/'), done: async () => undefined },
  })
  await expect(opening).rejects.toThrow('no room')
  expect(told).toEqual([
    'client runs',
    'validator runs',
    'validator stops, its folder is there',
    'client stops, its folder is there',
    'the chain stops',
  ])
  expect(folders.map((folder) => existsSync(dirname(folder)))).toEqual([false, false, false])
})
