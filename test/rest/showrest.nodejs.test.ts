// What a page that only shows a node gets of REST: rows from which it is drawn, and none that does or tells anything else.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { showRest } from '../../src/rest/showrest.ts'
import { fakeParts } from './fakesurface.ts'

async function served(): Promise<(path: string, method?: string) => Promise<string>> {
  const space = { totalBlocks: 0, quotaMaxBytes: 1, quotaUsedBytes: 0, quotaReservedBytes: 0 }
  const shown = showRest(
    fakeParts({
      node: { repo: { space: async () => space } },
      network: { peerId: 'peer', peers: () => [], addresses: () => [], spr: () => '', connect: async () => 'peer' },
    }),
  )
  const server = createServer((request, response) => {
    if (!shown.answer(request, response)) response.end('left to others')
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await shown.stop()
  })
  const { port } = server.address() as AddressInfo
  return async (path, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/${path}`, { method })
    return await answer.text()
  }
}

test('answers the rows that a page draws a node from, whatever is asked of them', async () => {
  const ask = await served()
  expect(JSON.parse(await ask('v1/status'))).toMatchObject({ peerId: 'peer', peers: 0 })
  expect(JSON.parse(await ask('v1/peers'))).toMatchObject({ peers: [] })
  expect(JSON.parse(await ask('v1/sales/ended?count=5'))).toMatchObject({ code: expect.any(String) })
})

test('leaves all others alone, above all those that change something', async () => {
  const ask = await served()
  const rows = [
    ...['v1/datasets', 'v1/events', 'v1/metrics', 'v1/status/', 'v1/%73tatus', 'v1/sales/../status/x', 'v1'],
    ...['codex/v1/connect/peer', 'codex/v1/debug/info', 'codex/v1/data', 'codex/v1/sales/availability'],
  ]
  for (const row of rows) expect([row, await ask(row)]).toEqual([row, 'left to others'])
  for (const row of ['v1/pause', 'v1/resume', 'v1/drain', 'v1/availability', 'v1/status'])
    for (const method of ['POST', 'PATCH', 'DELETE'])
      expect([row, await ask(row, method)]).toEqual([row, 'left to others'])
})
