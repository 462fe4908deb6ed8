// What a running node lets in and what it refuses, asked with raw requests: hosts, origins, tokens, methods, sizes, and what every answer carries.

import { statSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { document, noise, run, scratchFolder } from '../cli/command.ts'
import type { StartedNode } from '../cli/startednode.ts'
import { startNode, stopWell } from '../cli/startednode.ts'
import { refusalOf } from '../../src/rest/guardrequest.ts'
import { expectListed } from './expectlisted.ts'

const PAGE = 'https://page.example'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

async function ask(node: StartedNode, path: string, asked: Asked = {}): Promise<Answer> {
  const answer = await send(node, path, asked)
  expectListed(asked.method ?? 'GET', new URL(path, node.api).pathname, answer.status)
  return answer
}

function send(node: StartedNode, path: string, { method = 'GET', headers = {}, body }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, node.api), { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** What comes back for these bytes, until the server ends the connection. */
function raw(node: StartedNode, text: string): Promise<string> {
  const { hostname, port } = new URL(node.api)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.on('error', reject).on('close', () => resolve(answer))
  })
}

const tokenOf = (node: StartedNode): string =>
  (JSON.parse(readFileSync(join(node.dataDir, 'api.json'), 'utf8')) as { token: string }).token

test('answers under its own names only, whatever is asked', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-cors-origin', PAGE])
  const { port } = new URL(node.api)
  for (const path of ['api/codex/v1/space', 'api/v1/health', 'nothing', ''])
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND'])
      for (const host of [
        `evil.example:${port}`,
        'evil.example',
        '127.0.0.1.evil.example',
        '127.0.0.2',
        'localhost@evil',
      ])
        expect([path, method, host, (await ask(node, path, { method, headers: { host } })).status]).toEqual([
          path,
          method,
          host,
          421,
        ])
  for (const host of [`localhost:${port}`, 'LOCALHOST', '127.0.0.1', `[::1]:${port}`])
    expect((await ask(node, 'api/codex/v1/space', { headers: { host } })).status).toBe(200)
  expect(await raw(node, 'GET /api/codex/v1/space HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /)
  const whole = 'GET http://evil.example/api/codex/v1/space HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  expect(await raw(node, whole)).toMatch(/^HTTP\/1\.1 400 /)
  const expecting =
    'POST /api/codex/v1/data HTTP/1.1\r\nHost: evil\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
  expect(await raw(node, expecting)).toMatch(/^HTTP\/1\.1 421 /)
  await stopWell(node)
})

test('pages of other sites change nothing and read nothing; those of the named origin may', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-cors-origin', PAGE])
  const foreign = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://localhost:1' },
  ]
  for (const headers of foreign) {
    expect((await ask(node, 'api/codex/v1/data', { method: 'POST', headers, body: noise(10, 1) })).status).toBe(403)
    expect((await ask(node, `api/codex/v1/connect/${node.peerId}`, { headers })).status).toBe(403)
  }
  const headers = { origin: PAGE, 'sec-fetch-site': 'cross-site' }
  const stored = await ask(node, 'api/codex/v1/data', { method: 'POST', headers, body: noise(10, 1) })
  expect(stored.status).toBe(200)
  const answers = [
    stored,
    await ask(node, 'api/codex/v1/space', { headers }),
    await ask(node, 'api/codex/v1/data/wrong', { headers }),
    await ask(node, `api/codex/v1/data/${stored.body}`, { headers }),
    await ask(node, 'api/codex/v1/sales/slots', { headers }),
    await ask(node, 'nowhere', { headers }),
    await ask(node, 'api/v1/peers', { headers }),
    await ask(node, 'api/codex/v1/space', { headers: { host: 'evil.example' } }),
    await ask(node, `api/codex/v1/data/${stored.body}`, { headers, method: 'DELETE' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 200, 503, 404, 401, 421, 204])
  for (const { headers: found } of answers) {
    expect(found['access-control-allow-origin']).toBe(PAGE)
    expect(found['access-control-allow-methods']).toMatch(/^[A-Z]+, OPTIONS$/)
    expect(found['access-control-max-age']).toBe('86400')
  }
  for (const path of ['data', `data/${stored.body}`, 'sales/availability/0x1', 'space']) {
    const preflight = await ask(node, `api/codex/v1/${path}`, { method: 'OPTIONS', headers })
    expect([path, preflight.status, preflight.body.length]).toEqual([path, 204, 0])
    expect(preflight.headers['access-control-allow-origin']).toBe(PAGE)
    expect(preflight.headers['access-control-allow-headers']).toContain('content-disposition')
  }
  for (const [path, allowed] of [
    ['api/codex/v1/data', 'GET, POST, OPTIONS'],
    ['api/codex/v1/data/', 'GET, DELETE, OPTIONS'],
    [`api/codex/v1/data/${stored.body}`, 'GET, DELETE, OPTIONS'],
    [`api/codex/v1/data/${stored.body}/network`, 'POST, OPTIONS'],
    ['api/codex/v1/sales/availability/0x1', 'PATCH, OPTIONS'],
    ['api/codex/v1/space?x=1', 'GET, OPTIONS'],
    ['api/v1/availability/0x1', 'PATCH, DELETE, OPTIONS'],
    ['api/v1/openapi.json', 'GET, OPTIONS'],
    ['api/codex/v1/nothing', undefined],
    ['api/codex/v1/data/x/y/z', undefined],
    ['api/v1/openapi-json', undefined],
  ] as const) {
    const preflight = await ask(node, path, { method: 'OPTIONS', headers })
    expect([path, preflight.status]).toEqual([path, allowed === undefined ? 404 : 204])
    expect([path, preflight.headers['access-control-allow-methods']]).toEqual([path, allowed ?? 'OPTIONS'])
    expect(preflight.headers['access-control-allow-origin']).toBe(PAGE)
  }
  await stopWell(node)
})

test('pages of several origins may be let in, each hears its own name', async () => {
  const origins = ['http://localhost:3000', 'chrome-extension://abcdef', PAGE]
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-cors-origin', origins.join(',')])
  for (const origin of origins) {
    const { status, headers } = await ask(node, 'api/codex/v1/space', { headers: { origin } })
    expect([status, headers['access-control-allow-origin'], headers['vary']]).toEqual([200, origin, 'Origin'])
  }
  const { status, headers } = await ask(node, 'api/codex/v1/space', { headers: { origin: 'http://localhost:3001' } })
  expect(status).toBe(403)
  expect(headers['access-control-allow-origin']).toBe(origins[0])
  await stopWell(node)
})

test('its own rows want the token, which only its user can read (S14)', async () => {
  const node = await startNode(join(scratchFolder(), 'data'))
  expect(statSync(join(node.dataDir, 'api.json')).mode & 0o777).toBe(0o600)
  const token = tokenOf(node)
  const statusWith = async (authorization: string): Promise<number> =>
    (await ask(node, 'api/v1/peers', { headers: { authorization } })).status
  expect((await ask(node, 'api/v1/health')).status).toBe(200)
  expect((await ask(node, 'api/v1/peers')).status).toBe(401)
  expect(await statusWith(`Bearer ${token}`)).toBe(200)
  expect(await statusWith(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`)).toBe(200)
  for (const wrong of ['Bearer ', `Bearer ${token}x`, `Bearer ${token.slice(1)}`, 'Basic Og==', token])
    expect(await statusWith(wrong)).toBe(401)
  expect((await ask(node, 'api/codex/v1/space')).headers['access-control-allow-origin']).toBeUndefined()
  await stopWell(node)
  // The next one has another token, and the note of this one is gone.
  expect(() => tokenOf(node)).toThrow('ENOENT')
})

test('what a proxy of this machine passes on wants the token, and what any site may ask for, where it changes something', () => {
  const token = 'the-token-of-this-node'
  const status = (path: string, headers: Record<string, string>, method = 'GET', ...corsOrigins: string[]) =>
    refusalOf(
      { method, target: `/api/codex/v1/${path}`, headers: { host: 'localhost:8080', ...headers } },
      { hosts: new Set(['localhost']), corsOrigins, token, needsToken: false },
    )?.status
  const spend = 'storage/request/zDv'
  const authorization = `Bearer ${token}`
  for (const header of ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'x-real-ip', 'via']) {
    expect([header, status(spend, { [header]: '203.0.113.5' }, 'POST')]).toEqual([header, 401])
    expect(status('space', { [header]: '203.0.113.5' })).toBe(401)
    expect(status(spend, { [header]: '203.0.113.5', authorization }, 'POST')).toBeUndefined()
  }
  expect(status(spend, {}, 'POST')).toBeUndefined()
  const origin = 'https://any.example'
  for (const method of ['POST', 'PATCH', 'DELETE', 'PUT']) {
    expect([method, status(spend, { origin }, method, '*')]).toEqual([method, 401])
    expect(status(spend, { origin, authorization }, method, '*')).toBeUndefined()
  }
  for (const path of ['connect/16Uiu2', '%63onnect/16Uiu2']) expect(status(path, { origin }, 'GET', '*')).toBe(401)
  expect(status('space', { origin }, 'GET', '*')).toBeUndefined()
  expect(status(spend, { origin }, 'OPTIONS', '*')).toBeUndefined()
  // Programs name no site, and pages of this node are no other's.
  const own = { 'sec-fetch-site': 'same-origin', 'user-agent': 'Mozilla/5.0' }
  for (const headers of [{}, { 'user-agent': 'curl/8' }, own, { ...own, origin: 'http://localhost:8080' }])
    for (const [path, method] of [
      [spend, 'POST'],
      ['sales/availability/0x1', 'PATCH'],
      ['connect/16Uiu2', 'GET'],
    ] as const)
      expect([path, headers, status(path, headers, method, '*')]).toEqual([path, headers, undefined])
  for (const headers of [
    ...['cross-site', 'same-site', 'whatever'].map((site) => ({ 'sec-fetch-site': site })),
    { origin: 'null' },
    // An older browser does not say whose picture it is.
    { 'user-agent': 'Mozilla/5.0 (X11) Safari/605.1.15' },
  ])
    for (const [path, method] of [
      [spend, 'POST'],
      ['connect/16Uiu2', 'GET'],
    ] as const)
      expect([path, headers, status(path, headers, method, '*')]).toEqual([path, headers, 401])
})

test('bound to every address it wants the token for everything (S14)', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-bindaddr', '0.0.0.0'])
  const local = { ...node, api: node.api.replace('0.0.0.0', '127.0.0.1') }
  expect((await ask(local, 'api/codex/v1/space')).status).toBe(401)
  const headers = { authorization: `Bearer ${tokenOf(node)}` }
  expect((await ask(local, 'api/codex/v1/space', { headers })).status).toBe(200)
  expect(await document(['space', '-d', node.dataDir])).toMatchObject({ totalBlocks: 0 })
  await stopWell(node)
})

test('a token of its own is wanted from this machine too, from a file that the settings name', async () => {
  const folder = scratchFolder()
  const token = 'one-that-people-know-too'
  writeFileSync(join(folder, 'token'), `${token}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'node.toml'), `api-token-file = "${join(folder, 'token')}"\nbridge = false\n`)
  const node = await startNode(join(folder, 'data'), ['--config-file', join(folder, 'node.toml')])
  expect(tokenOf(node)).toBe(token)
  expect((await ask(node, 'api/codex/v1/sales/slots')).status).toBe(401)
  const headers = { authorization: `Basic ${Buffer.from(`codex:${token}`).toString('base64')}` }
  expect((await ask(node, 'api/codex/v1/sales/slots', { headers })).status).toBe(503)
  expect((await ask(node, 'api/v1/availability', { headers })).status).toBe(503)
  await stopWell(node)
})

test('a short token of its own does on loopback, and is warned of', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-token', 'short'])
  expect((await ask(node, 'api/codex/v1/space')).status).toBe(401)
  expect((await ask(node, 'api/codex/v1/space', { headers: { authorization: 'Bearer short' } })).status).toBe(200)
  expect(node.said()).toContain('a token of fewer than 16 characters')
  await stopWell(node)
})

test('says text or JSON as it is asked to', async () => {
  const node = await startNode(join(scratchFolder(), 'data'))
  const spoken = async (path: string, headers: Record<string, string>): Promise<[string | undefined, string]> => {
    const answer = await ask(node, `api/codex/v1/${path}`, { headers })
    return [answer.headers['content-type']?.split(';')[0], answer.body.toString()]
  }
  for (const path of ['peerid', 'node/peerid']) {
    const json = JSON.stringify({ id: node.peerId })
    expect(await spoken(path, {})).toEqual(['application/json', json])
    expect(await spoken(path, { accept: '*/*' })).toEqual(['application/json', json])
    expect(await spoken(path, { accept: 'application/json' })).toEqual(['application/json', json])
    expect(await spoken(path, { accept: 'text/plain' })).toEqual(['text/plain', node.peerId])
    expect(await spoken(path, { accept: 'application/json', 'content-type': 'text/plain' })).toEqual([
      'application/json',
      json,
    ])
  }
  expect((await spoken('spr', { accept: 'text/plain' }))[1]).toMatch(/^spr:[\w-]+$/)
  const level = (query: string): Promise<Answer> =>
    ask(node, `api/codex/v1/debug/chronicles/loglevel${query}`, { method: 'POST' })
  expect((await level('?level=INFO;TRACE:exchange')).status).toBe(200)
  expect((await level('')).status).toBe(400)
  expect((await level('?level=loud')).status).toBe(500)
  await stopWell(node)
})

test('streams what is larger than memory should hold, and stops at the quota', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['-q', '8MiB'])
  const upload = (body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(node, 'api/codex/v1/data', { method: 'POST', body, headers: { 'transfer-encoding': 'chunked', ...headers } })
  // A header has bytes, no letters.
  const name = Buffer.from('größe.bin').toString('latin1')
  const kept = await upload(noise(3 * 2 ** 20, 1), { 'content-disposition': `attachment; filename="${name}"` })
  // Its size is not known beforehand, so it is refused in the middle, by an answer or by an end.
  const refused = await upload(noise(9 * 2 ** 20, 2)).catch((error: unknown) => error)
  if (!(refused instanceof Error)) expect(refused).toMatchObject({ status: 500 })
  expect((await ask(node, 'api/codex/v1/space', { method: 'POST', body: noise(2 ** 21, 1) })).status).toBe(413)
  const cid = kept.body.toString()
  const { headers, body } = await ask(node, `api/codex/v1/data/${cid}`)
  expect(body.equals(noise(3 * 2 ** 20, 1))).toBe(true)
  expect(headers['content-type']).toBe('application/octet-stream')
  expect(headers['content-disposition']).toBe(`attachment; filename="gr__e.bin"; filename*=UTF-8''gr%C3%B6%C3%9Fe.bin`)
  expect(headers['content-security-policy']).toContain('sandbox')
  const exists = async (name: string): Promise<unknown> =>
    JSON.parse((await ask(node, `api/codex/v1/data/${name}/exists`)).body.toString())
  expect(await exists(cid)).toEqual({ [cid]: true })
  // One block by its own CID, then none of it.
  const { treeCid } = JSON.parse((await ask(node, `api/codex/v1/data/${cid}/network/manifest`)).body.toString())
    .manifest as { treeCid: string }
  expect((await ask(node, `api/codex/v1/data/${treeCid}`)).status).toBe(404)
  await stopWell(node)
  const check = await run(['space', '--check', '--json', '-d', node.dataDir])
  expect(JSON.parse(check.stdout)).toMatchObject({ problems: [], totalBlocks: 49 })
})
