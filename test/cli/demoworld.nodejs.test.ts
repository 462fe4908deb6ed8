// The nodes of the demo where one of them does not start: nothing is left starting, and what runs is told. The nodes are fakes here.

import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { startNodes } from '../../src/cli/demoworld.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import type { createNode, NodejsNode } from '../../src/nodejs.ts'

test('when one node fails, the other that was starting is waited for, and ended with the rest', async () => {
  const stream = (): Writable => new Writable({ write: (_, __, done) => done() })
  const terminal = new Terminal({
    ...{ stdout: stream(), stderr: stream(), json: true, colour: false, outputClosed: () => undefined },
  })
  const told: string[] = []
  const create = async ({ roles: [role] = [] }: Parameters<typeof createNode>[0]): Promise<NodejsNode> => {
    if (role === 'provider') throw new Error('no room')
    if (role === 'validator') await delay(50)
    told.push(`${role} runs`)
    return { stop: async () => void told.push(`${role} stops`) } as NodejsNode
  }
  const ends: (() => Promise<unknown>)[] = []
  const account = { privateKey: `0x${'1'.repeat(64)}`, address: '0x' } as never
  const starting = startNodes(
    {
      ...{ terminal, periodSeconds: 30, settings: readSettings({ raw: {}, env: {}, file: undefined }) },
      signal: new AbortController().signal,
    },
    {
      circuit: { wasm: '/c/w', zkey: '/c/z' },
      devnet: {
        ...{ endpoint: 'http://127.0.0.1:1', contracts: { marketplace: '0x' } as never },
        accounts: [account, account, account, account],
      },
      ...{ folder: '/nowhere', ends },
    },
    create,
  )
  await expect(starting).rejects.toThrow('no room')
  for (const end of ends.reverse()) await end()
  expect(told).toEqual(['client runs', 'validator runs', 'validator stops', 'client stops'])
})
