// The page that a node of the command line serves: it shows that node, through REST and with its token, and runs none in the tab.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright'
import { expect, test } from 'vitest'

import { PAGE_HEADERS } from '../../src/cli/servepage.ts'
import { findChromium } from '../chromium.ts'
import { scratchFolder } from '../cli/command.ts'
import { startNode, stopWell } from '../cli/startednode.ts'

test('shows the node that serves it, to whoever has its token, and to no page of another site', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-token', 'one-that-people-know'])
  const start = await fetch(node.api)
  const policy = 'content-security-policy'
  expect([start.status, start.headers.get(policy)]).toEqual([200, PAGE_HEADERS['Content-Security-Policy']])
  expect((await fetch(node.api, { headers: { Origin: 'https://evil.example' } })).status).toBe(403)
  for (const path of ['api', 'api/v1/status', 'api/codex/v1/space', 'API/v1/status'])
    expect([path, (await fetch(`${node.api}${path}`)).status]).toEqual([path, 401])
  for (const path of ['%61pi/v1/status', 'x/%2e%2e/api/v1/status', '/api/v1/status'])
    expect([path, [401, 404].includes((await fetch(`${node.api}${path}`)).status)]).toEqual([path, true])

  const profile = await mkdtemp(join(tmpdir(), 'codex-light-nodeview-'))
  const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
  const complaints: string[] = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  try {
    const tab = await context.newPage()
    await tab.goto(node.api)
    await tab.locator('input[name=token]').fill('another one altogether')
    await tab.getByRole('button', { name: 'Show the node' }).click()
    await tab.locator('input[name=token]').waitFor()
    const { token } = JSON.parse(readFileSync(join(node.dataDir, 'api.json'), 'utf8')) as { readonly token: string }
    await tab.locator('input[name=token]').fill(token)
    await tab.getByRole('button', { name: 'Show the node' }).click()
    await tab.getByTestId('space').filter({ hasText: '0 B used' }).waitFor()
    await tab.getByText(node.peerId).waitFor()
    await tab.getByText('takes no part in the marketplace').waitFor()
    expect(await tab.evaluate(async () => (await indexedDB.databases()).length)).toBe(0)
    await stopWell(node)
    await tab.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor()
    expect(complaints).toEqual([])
  } finally {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 3 })
  }
})
