// The guard on real sockets, asked byte for byte: no spelling of a path leads past the token, and who may come from where.

import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { RestServer } from '../../src/rest/listen.ts'
import { startMetrics } from '../../src/rest/startmetrics.ts'
import { startRest } from '../../src/rest/startrest.ts'
import { fakeParts } from './fakesurface.ts'

const TOKEN = 'a-token-with:a-colon'

const open: RestServer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const SPACE = { totalBlocks: 0, quotaMaxBytes: 1, quotaUsedBytes: 0, quotaReservedBytes: 0 }
const PARTS = fakeParts({
  node: { repo: { space: async () => SPACE, has: async () => false } },
  network: { peerId: 'peer', peers: () => [] },
})
const REST = { address: '127.0.0.1', port: 0, token: TOKEN }

async function served(settings: object = {}): Promise<RestServer> {
  const page = (_: unknown, response: { end(text: string): void }): void => response.end('the page')
  const server = await startRest(PARTS, { ...REST, page, ...settings })
  open.push(server)
  return server
}

/** The status for a request whose target is sent as it is. */
async function ask(
  server: RestServer,
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<number> {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await answerTo(server, target, headers, method))?.[1])
}

/** All of it, head and body. */
function answerTo(
  server: RestServer,
  target: string,
  headers: Record<string, string>,
  method: string,
): Promise<string> {
  const { hostname, port, host } = new URL(server.url)
  const lines = Object.entries({ host, connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`),
    )
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.on('error', reject).on('close', () => resolve(answer))
  })
}

test('no spelling of a path leads past the token', async () => {
  const server = await served()
  const spellings = [
    'api/%761/ROW',
    'api/v%31/ROW',
    '%61pi/v1/ROW',
    'api/./v1/ROW',
    './api/v1/ROW',
    'api/codex/../v1/ROW',
    'api/codex/v1/../../v1/ROW',
    'api/codex/v1/%2e%2e/%2E./v1/ROW',
    'api/%2e/v1/ROW',
    'api/x/.%2e/v1/ROW',
    'x/../api/v1/ROW',
    'api//v1/ROW',
    '/api/v1/ROW',
    '\\api\\v1\\ROW',
    'api\\v1/ROW',
    'api/v1\\ROW',
    'api/codex/v1/..\\../v1/ROW',
    'api%2fv1/ROW',
    'api/v1%2fROW',
    'api/v1/%zz/../ROW',
    'api/v1/%70eers',
    'API/v1/ROW',
    'api/V1/ROW',
    'api/v1/ROW?x=/api/codex/v1/',
    'api/v1/ROW#/api/codex/v1/',
  ]
  for (const [method, row] of [
    ['GET', 'peers'],
    ['POST', 'pause'],
    ['POST', 'drain'],
  ] as const)
    for (const spelling of [...spellings, 'api/v1/ROW'])
      expect([spelling, await ask(server, `/${spelling.replace('ROW', row)}`, {}, method)]).toEqual([
        spelling,
        expect.toBeOneOf([400, 401]) as number,
      ])
  const authorization = `Bearer ${TOKEN}`
  expect(await ask(server, '/api/v1/pause', { authorization }, 'POST')).toBe(503)
  for (const path of ['health', 'readiness']) expect(await ask(server, `/api/v1/${path}`)).toBe(200)
  // What varies in a path may be encoded, as clients do.
  expect(await ask(server, '/api/codex/v1/space')).toBe(200)
  expect(await ask(server, '/api/codex/v1/data/%7ADxyz/exists')).toBe(400)
  expect(await ask(server, '/api/codex/v1/nothing/%7A')).toBe(404)
})

test('below our own rows every refusal is a problem document, elsewhere it is text', async () => {
  const server = await served({ wantsToken: true })
  const authorization = `Bearer ${TOKEN}`
  const refusals: readonly [number, string, Record<string, string>][] = [
    [400, 'rest/bad-path', { authorization }],
    [401, 'rest/wants-token', {}],
    [403, 'rest/foreign-page', { authorization, origin: 'https://other.example' }],
    [404, 'rest/no-such-row', { authorization }],
    [413, 'rest/body-too-large', { authorization, 'content-length': String(2 ** 30) }],
    [421, 'rest/wrong-host', { authorization, host: 'other.example' }],
  ]
  for (const [status, code, headers] of refusals) {
    const rest = status === 400 ? 'a/..' : 'nothing?x=1'
    const method = status === 413 ? 'PATCH' : 'GET'
    const [head = '', body = ''] = (await answerTo(server, `/api/v1/${rest}`, headers, method)).split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*^content-type: application/problem\\+json\r?$`, 'im'))
    // A body of unknown length comes in pieces.
    const document = JSON.parse(/\{.*\}/.exec(body)?.[0] ?? '') as object
    expect(document).toEqual({
      type: 'about:blank',
      ...{ status, code, fields: {}, title: expect.stringMatching(/\w/) as string },
    })
    const plain = await answerTo(server, `/api/codex/v1/${rest}`, headers, method)
    expect(plain).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*^content-type: text/plain`, 'im'))
    expect(plain).not.toContain(code)
  }
})

test('a token with a colon is taken as a password', async () => {
  const server = await served({ wantsToken: true })
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
  expect(await ask(server, '/api/codex/v1/space', basic(`me:${TOKEN}`))).toBe(200)
  expect(await ask(server, '/api/codex/v1/space', { authorization: `Basic ${TOKEN}` })).toBe(200)
  expect(await ask(server, '/api/codex/v1/space', basic(`me:x:${TOKEN}`))).toBe(401)
})

test('a link to the page may stand anywhere, one to the interface may not', async () => {
  const server = await served()
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  expect(await ask(server, '/', link)).toBe(200)
  expect(await ask(server, '/index.html', link, 'HEAD')).toBe(200)
  expect(await ask(server, '/', { ...link, 'sec-fetch-dest': 'iframe' })).toBe(403)
  expect(await ask(server, '/', { ...link, 'sec-fetch-mode': 'no-cors' })).toBe(403)
  expect(await ask(server, '/', link, 'POST')).toBe(403)
  expect(await ask(server, '/api/codex/v1/space', link)).toBe(403)
})

test('under a name it was given it wants the token for everything', async () => {
  const server = await served({ hosts: ['Node.example'] })
  const named = { host: 'node.example', authorization: `Bearer ${TOKEN}` }
  expect(await ask(server, '/api/codex/v1/space', named)).toBe(200)
  // As its own page sends it through a proxy that ends TLS.
  expect(await ask(server, '/api/codex/v1/space', { ...named, origin: 'https://node.example' })).toBe(200)
  expect(await ask(server, '/api/codex/v1/space', { ...named, origin: 'https://other.example' })).toBe(403)
  expect(await ask(server, '/api/codex/v1/space', { host: 'node.example' })).toBe(401)
  // A proxy passes on what others call themselves.
  expect(await ask(server, '/api/codex/v1/space', { host: 'localhost' })).toBe(401)
  expect(await ask(server, '/api/codex/v1/space', { ...named, host: 'other.example' })).toBe(421)
})

test('metrics want the token where others can reach them', async () => {
  const inside = await startMetrics(PARTS, { address: '127.0.0.1', port: 0, token: TOKEN })
  const outside = await startMetrics(PARTS, { address: '0.0.0.0', port: 0, hosts: ['node.example'], token: TOKEN })
  open.push(inside, outside)
  expect(await ask(inside, '/metrics')).toBe(200)
  expect(await ask(inside, '/metrics', { host: 'node.example' })).toBe(421)
  const host = 'node.example'
  expect(await ask(outside, '/metrics', { host })).toBe(401)
  expect(await ask(outside, '/metrics', { host, authorization: `Bearer ${TOKEN}` })).toBe(200)
})
