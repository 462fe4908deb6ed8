// Statuses of the rows of /data are those that the reference has for each, whatever goes wrong beneath.

import { expect, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { blockCid, manifestCid } from '../../src/protocol/block.ts'
import { fakeSurface } from './fakesurface.ts'

const BYTES = Uint8Array.of(1, 2, 3)
const BLOCK = blockCid(BYTES)
const MANIFEST = manifestCid(BYTES)

/** What a request is answered with, where everything beneath fails with this code. */
async function answered(method: string, path: string, code: string, here?: object): Promise<Response> {
  const fail = async (): Promise<never> => {
    throw new CodexError(code, 'for a reason')
  }
  const ask = fakeSurface({
    node: {
      repo: { get: async () => undefined, space: async () => ({ quotaMaxBytes: 1, quotaReservedBytes: 0 }) },
      datasets: { upload: fail, manifest: fail, remove: code === '' ? async () => 'in use' : fail },
    },
    network: { hasPeers: false, manifest: fail, block: fail, ...here },
  })
  return ask(`codex/v1/${path}`, { method })
}

const NETWORK_ROWS = [
  ['GET', `data/${MANIFEST}/network/manifest`],
  ['GET', `data/${MANIFEST}/network/stream`],
  ['POST', `data/${MANIFEST}/network`],
] as const

test.each(NETWORK_ROWS)('%s %s is 404 when what comes is no manifest, or none comes', async (method, path) => {
  for (const code of ['manifest/no-header', 'manifest/unknown-version', 'manifest/bad-text'])
    expect((await answered(method, path, code)).status).toBe(404)
  expect((await answered(method, path, 'exchange/stalled')).status).toBe(404)
  expect((await answered(method, path.replace(String(MANIFEST), 'nonsense'), '')).status).toBe(400)
})

test('no CID at all is an incorrect one', async () => {
  for (const method of ['GET', 'DELETE']) {
    const answer = await answered(method, 'data/', '')
    expect([answer.status, await answer.text()]).toEqual([400, 'Incorrect Cid'])
  }
})

test('one block comes from the network, too', async () => {
  const path = `data/${BLOCK}/network/stream`
  const answer = await answered('GET', path, '', { block: async () => BYTES })
  expect([answer.status, new Uint8Array(await answer.arrayBuffer())]).toEqual([200, BYTES])
  expect((await answered('GET', path, 'exchange/stalled')).status).toBe(404)
  expect((await answered('GET', `data/${BLOCK}`, '')).status).toBe(404)
})

test('uploads and removals', async () => {
  expect((await answered('POST', 'data', 'manifest/bad-text')).status).toBe(422)
  for (const code of ['store/quota-exceeded', 'upload/empty', 'slab/full', 'datastore/full'])
    expect((await answered('POST', 'data', code)).status).toBe(500)
  expect((await answered('DELETE', `data/${BLOCK}`, '')).status).toBe(500)
  const sold = await answered('DELETE', `data/${MANIFEST}`, 'dataset/sold')
  expect([sold.status, await sold.text()]).toEqual([500, 'for a reason'])
})
