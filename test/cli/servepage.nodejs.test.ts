// The server of the page: which files it gives, under which headers, and what it refuses.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { PAGE_HEADERS, servePage } from '../../src/cli/servepage.ts'
import { scratchFolder } from './command.ts'

async function served(): Promise<string> {
  const folder = scratchFolder()
  const web = join(folder, 'web')
  mkdirSync(join(web, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'secret'), 'secret')
  writeFileSync(join(web, 'index.html'), '<h1>page</h1>')
  writeFileSync(join(web, 'assets', 'a b.js'), 'export {}')
  writeFileSync(join(web, 'assets', 'kernel.wasm'), 'wasm')
  symlinkSync(join(folder, 'secret'), join(web, 'link'))
  const server = await servePage(web)
  onTestFinished(() => server.close())
  return server.url
}

/** One request in its own bytes, because fetch would tidy paths and hosts first. */
function raw(url: string, path: string, host: string | undefined, method = 'GET'): Promise<string> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => {
      const hostLine = host === undefined ? '' : `Host: ${host}\r\n`
      socket.write(`${method} ${path} HTTP/1.1\r\n${hostLine}Connection: close\r\n\r\n`)
    })
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}

test('gives the files of the folder, isolated and under the policy', async () => {
  const url = await served()
  const page = await fetch(url)
  expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([
    200,
    'text/html; charset=utf-8',
    '<h1>page</h1>',
  ])
  for (const [name, value] of Object.entries(PAGE_HEADERS)) expect(page.headers.get(name)).toBe(value)
  expect(PAGE_HEADERS['Content-Security-Policy']).toContain("default-src 'none'")
  expect((await fetch(`${url}assets/a%20b.js?v=1`)).headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect((await fetch(`${url}assets/kernel.wasm`)).headers.get('content-type')).toBe('application/wasm')
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '13', ''])
})

test('gives nothing else', async () => {
  const url = await served()
  for (const path of [
    '/../secret',
    '/assets/../../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/assets/..%2f..%2fsecret',
    '/..\\secret',
    '/link',
    '//secret',
    '/assets/',
    '/assets',
    '/index.html%00',
    '/%',
    '/nothing',
    '*',
  ]) {
    const answer = await raw(url, path, 'localhost')
    expect([path, answer.split('\r\n')[0]]).toEqual([path, 'HTTP/1.1 404 Not Found'])
    expect(answer).toContain('Content-Security-Policy: ')
    expect(answer.endsWith('there is no such file\n')).toBe(true)
  }
  expect(await raw(url, '/', 'localhost', 'POST')).toMatch(/^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n/)
})

test('answers no host but loopback, so that no other name leads here', async () => {
  const url = await served()
  const { port } = new URL(url)
  for (const host of ['localhost', `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
    expect([host, (await raw(url, '/', host)).split('\r\n')[0]]).toEqual([host, 'HTTP/1.1 200 OK'])
  for (const host of [
    'evil.example',
    `localhost.evil.example:${port}`,
    'localhost:80:80',
    '127.0.0.1.nip.io',
    '',
    '0.0.0.0',
  ])
    expect([host, (await raw(url, '/', host)).split('\r\n')[0]]).toEqual([host, 'HTTP/1.1 421 Misdirected Request'])
  expect(await raw(url, '/', undefined)).toMatch(/^HTTP\/1\.1 400 /)
})

test('gives the demo to its own page, and its acts to nobody else', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'index.html'), '<h1>page</h1>')
  let requests = 0
  const demo = {
    facts: () => ({ id: 'demo' }),
    fund: async (address: string) => ({ address }),
    request: async () => {
      if (++requests > 1) throw new CodexError('demo/not-ready', 'try again soon')
      return { requestId: '0x1' }
    },
  }
  const server = await servePage(folder, { demo })
  onTestFinished(() => server.close())
  const { url } = server
  const { origin } = new URL(url)
  const document = await fetch(`${url}demo.json`)
  expect([await document.json(), document.headers.get('cache-control')]).toEqual([{ id: 'demo' }, 'no-store'])
  expect(await raw(url, '/demo.json', 'evil.example')).toMatch(/^HTTP\/1\.1 421 /)
  const post = (headers: Record<string, string>, act = 'request', body?: string) =>
    fetch(`${url}demo/${act}`, { method: 'POST', headers, ...(body !== undefined && { body }) })
  const refused: Record<string, string>[] = [
    {},
    { origin },
    { 'x-codex-light': 'page' },
    { 'x-codex-light': 'page', origin: 'http://evil.example' },
    { 'x-codex-light': 'page', origin: 'null' },
  ]
  for (const headers of refused) expect([headers, (await post(headers)).status]).toEqual([headers, 403])
  for (const headers of refused) expect((await post(headers, 'fund', '0x1')).status).toBe(403)
  expect(requests).toBe(0)
  const own = { 'x-codex-light': 'page', origin }
  expect(await (await post(own)).json()).toEqual({ requestId: '0x1' })
  expect(await (await post(own, 'fund', '0x12\n')).json()).toEqual({ address: '0x12' })
  expect((await post(own, 'fund', 'x'.repeat(2000))).status).toBe(413)
  const again = await post(own)
  expect([again.status, await again.text()]).toEqual([409, expect.stringContaining('ry again soon')])
})

test('shows the demo’s provider to its own page under the page’s headers, and under no other name', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'index.html'), '<h1>page</h1>')
  const nothing = async (): Promise<void> => undefined
  const show = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url !== '/api/v1/status') return false
    response.end('the provider')
    return true
  }
  const server = await servePage(folder, { demo: { facts: () => ({}), fund: nothing, request: nothing, show } })
  onTestFinished(() => server.close())
  const shown = await fetch(`${server.url}api/v1/status`)
  expect([await shown.text(), shown.headers.get('cross-origin-resource-policy')]).toEqual([
    'the provider',
    'same-origin',
  ])
  expect((await fetch(`${server.url}api/v1/datasets`)).status).toBe(404)
  expect((await fetch(`${server.url}api/v1/status`, { method: 'POST' })).status).toBe(405)
  expect(await raw(server.url, '/api/v1/status', 'evil.example')).toMatch(/^HTTP\/1\.1 421 /)
})

test('without a demo says so, and has no button', async () => {
  const url = await served()
  expect(await (await fetch(`${url}demo.json`)).json()).toBe(null)
  expect(await raw(url, '/demo/request', 'localhost', 'POST')).toMatch(/^HTTP\/1\.1 405 /)
})

test('refuses a folder without a page', async () => {
  await expect(servePage(join(scratchFolder(), 'none'))).rejects.toMatchObject({ code: 'page/not-built' })
})
