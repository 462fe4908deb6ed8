// How long the body of a request may take: bytes that trickle hold no connection for ever, unless they are an upload.

import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startRest } from '../../src/rest/startrest.ts'
import { fakeParts } from './fakesurface.ts'

const LIMIT_MS = 400
const TRICKLE_MS = 50
const TOKEN = 'a-token'

/** A body of chunks that come one by one for as long as they are taken. @returns what was answered until the connection closed, or until `patienceMs` */
async function trickle(head: string, patienceMs: number): Promise<{ readonly answer: string; readonly ms: number }> {
  const parts = fakeParts({
    node: {
      repo: { space: async () => ({ quotaMaxBytes: 1, quotaUsedBytes: 0, quotaReservedBytes: 0 }) },
      datasets: {
        async upload(pieces: AsyncIterable<Uint8Array>) {
          for await (const _ of pieces);
        },
      },
    },
    network: { peerId: 'peer', peers: () => [] },
    marketplace: {
      isWanted: true,
      parts: () => ({ selling: {} }) as never,
      waiting: () => undefined,
      unproven: () => undefined,
    },
  })
  const server = await startRest(parts, { address: '127.0.0.1', port: 0, token: TOKEN, bodyMs: LIMIT_MS })
  onTestFinished(() => server.stop())
  const { port, host } = new URL(server.url)
  const begun = performance.now()
  return await new Promise((resolve) => {
    let answer = ''
    const done = (): void => {
      clearInterval(timer)
      clearTimeout(patience)
      socket.destroy()
      resolve({ answer, ms: performance.now() - begun })
    }
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write(`${head}\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n`),
    )
    const timer = setInterval(() => socket.write('1\r\n \r\n'), TRICKLE_MS)
    const patience = setTimeout(done, patienceMs)
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.on('error', () => undefined).on('close', done)
  })
}

test.each([
  ['one that is read', 'POST /api/v1/availability HTTP/1.1'],
  ['one that nobody reads', 'GET /api/v1/health HTTP/1.1'],
])('a document that trickles is cut off: %s', async (_, head) => {
  const { answer, ms } = await trickle(head, 20 * LIMIT_MS)
  expect(answer).toMatch(head.startsWith('POST') ? /^HTTP\/1\.1 408 / : /^HTTP\/1\.1 200 /)
  expect(ms).toBeGreaterThanOrEqual(LIMIT_MS - TRICKLE_MS)
  expect(ms).toBeLessThan(10 * LIMIT_MS)
})

test('an upload may take as long as it moves', async () => {
  const { answer, ms } = await trickle('POST /api/codex/v1/data HTTP/1.1', 5 * LIMIT_MS)
  expect(answer).toBe('')
  expect(ms).toBeGreaterThanOrEqual(5 * LIMIT_MS - TRICKLE_MS)
})
