// RpcLines of a tab: what a market in a tab hears of its endpoint. What is said over the lines is tested on a real chain, in Node.

import { expect, test } from 'vitest'
import { webLines } from '../../src/platform/browser/weblines.ts'

const LIMIT = { limitBytes: 100_000 }
const HERE = new URL('/', location.href)
/** The discard port: nobody listens. */
const NOWHERE = '127.0.0.1:9'
const listener = { message: () => undefined, closed: () => undefined }

function never(): AbortSignal {
  return new AbortController().signal
}

test('any status is an answer, with its text', async () => {
  const answer = await webLines.post(new URL('/no/such/endpoint.json', HERE).href, '{}', { ...LIMIT, signal: never() })
  expect(answer).toEqual({ status: expect.any(Number), body: expect.any(String), retryAfter: undefined })
  expect(answer.status).toBeGreaterThanOrEqual(200)
})

test('an answer that is too long is not read to its end', async () => {
  const page = new URL('/test/vectors/marketplace.json?raw', HERE).href
  const reading = fetch(page).then(async (answer) => (await answer.text()).length)
  expect(await reading).toBeGreaterThan(1)
  const posted = webLines.post(page, '{}', { limitBytes: 1, signal: never() })
  await expect(posted).rejects.toMatchObject({ code: 'market/answer-too-long' })
})

test('nobody there, and no address at all, is unreachable', async () => {
  const options = { ...LIMIT, signal: never() }
  await expect(webLines.post(`http://${NOWHERE}`, '{}', options)).rejects.toMatchObject({ code: 'market/unreachable' })
  await expect(webLines.connect(`ws://${NOWHERE}`, listener, options)).rejects.toMatchObject({
    code: 'market/unreachable',
  })
  await expect(webLines.connect('ftp://nowhere', listener, options)).rejects.toMatchObject({
    code: 'market/unreachable',
  })
})

test('an abort ends both with its reason', async () => {
  for (const when of ['before', 'during']) {
    const controller = new AbortController()
    if (when === 'before') controller.abort(new Error('enough'))
    const { signal } = controller
    const posting = webLines.post(HERE.href, '{}', { ...LIMIT, signal })
    const connecting = webLines.connect(`ws://${NOWHERE}`, listener, { ...LIMIT, signal })
    controller.abort(new Error('enough'))
    await expect(posting).rejects.toThrow('enough')
    await expect(connecting).rejects.toThrow('enough')
  }
})
