// The demo as a process: its document, its timeline, and the page it serves until it is told to end.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { document, run, scratchFolder, soundSpace, start } from './command.ts'

const PAGE = fileURLToPath(new URL('../../dist/web/index.html', import.meta.url))

test('--once --json is one document about a real file', async () => {
  const dataDir = join(scratchFolder(), 'data')
  const found = await document(['demo', '--once', '-d', dataDir])
  expect(found).toMatchObject({ ok: true, cid: expect.stringMatching(/^zDv/) as unknown, page: null })
  expect(found['phases']).toEqual(
    ['upload', 'list', 'read back', 'protect', 'lose', 'repair', 'sample', 'remove'].map((name) => ({
      name,
      ms: expect.any(Number) as unknown,
    })),
  )
  expect(await soundSpace(dataDir)).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

test('without --json it tells a timeline and what is still to come', async () => {
  const { code, stdout } = await run(['demo', '--once'])
  expect(code).toBe(0)
  expect(stdout).toMatch(
    / ms {2}upload [^]* ms {2}list [^]* ms {2}read back [^]*every byte[^]* ms {2}repair [^]*computed from the other slots[^]* ms {2}remove [^]*Still to come/,
  )
})

test.runIf(existsSync(PAGE))('serves the page until it is interrupted, which is its normal end', async () => {
  const { child, ended } = start(['demo', '--json'])
  const url = await new Promise<string>((resolve) => {
    child.stdout.on('data', (text: string) => resolve((JSON.parse(text) as { page: string }).page))
  })
  const page = await fetch(url)
  expect([page.status, page.headers.get('cross-origin-embedder-policy')]).toEqual([200, 'require-corp'])
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0, stderr: '' })
})
