import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { MiB } from '../../src/lib/units.ts'
import { PAGE_HEADERS } from '../../src/cli/servepage.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import type { PageUnderTest } from './openpage.ts'
import {
  BUILT_PAGE,
  choose,
  dropLarge,
  fileRow,
  openPage,
  role,
  sampleBytes,
  screenshot,
  usedBytes,
} from './openpage.ts'

const MIMETYPE = 'application/octet-stream'
const cidOf = (bytes: Uint8Array, filename: string): string =>
  String(describeUpload(bytes, { filename, mimetype: MIMETYPE }).manifestCid)

let under: PageUnderTest
let tabs: Page[] = []

beforeAll(async () => {
  under = await openPage()
})
afterAll(() => under.close())

/** Every test begins with no tab and nothing stored, and ends with nothing to complain about. */
afterEach(async () => {
  for (const tab of tabs) await tab.close()
  tabs = []
  const cleaner = await under.context.newPage()
  const session = await under.context.newCDPSession(cleaner)
  await session.send('Storage.clearDataForOrigin', { origin: new URL(under.url).origin, storageTypes: 'all' })
  await cleaner.close()
  expect(under.complaints.splice(0)).toEqual([])
})

async function open(path?: string): Promise<Page> {
  const tab = await under.open(path)
  tabs.push(tab)
  return tab
}

async function openLeading(path?: string): Promise<Page> {
  const tab = await open(path)
  await role(tab, 'Running').waitFor()
  return tab
}

async function store(tab: Page, name: string, bytes: Buffer): Promise<void> {
  await choose(tab, name, bytes)
  await fileRow(tab, name).waitFor()
}

async function remove(tab: Page, name: string): Promise<void> {
  await fileRow(tab, name).getByRole('button', { name: 'Remove' }).click()
  await tab.getByRole('button', { name: 'Remove it' }).click()
  await fileRow(tab, name).waitFor({ state: 'detached' })
}

/** Counts everything through the page's own button. @returns what it says, and whether that is good */
async function check(tab: Page): Promise<{ state: string | null; text: string }> {
  await tab.getByRole('button', { name: 'Check storage' }).click()
  const result = tab.getByTestId('check')
  await tab.locator('[data-testid=check][data-state]:not([data-state=running])').waitFor()
  return { state: await result.getAttribute('data-state'), text: await result.innerText() }
}

test('a file is stored, named, kept over a reload, saved again byte for byte, and removed', async () => {
  const bytes = sampleBytes(3 * MiB - 1000)
  const tab = await openLeading()
  // As in browsers that cannot write to a chosen file.
  await tab.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
  expect(await usedBytes(tab)).toBe(0)
  await store(tab, 'holiday.bin', bytes)
  expect(await tab.getByTestId('cid').innerText()).toBe(cidOf(bytes, 'holiday.bin'))
  expect(await tab.getByTestId('stored').innerText()).toContain('48 blocks of 64 KiB')
  expect(await tab.locator('.squares span').count()).toBe(48)
  const stored = await usedBytes(tab)
  expect(stored).toBeGreaterThanOrEqual(3 * MiB)
  expect(stored).toBeLessThan(3.1 * MiB)

  const [download] = await Promise.all([
    tab.waitForEvent('download'),
    tab.getByRole('button', { name: 'Save holiday.bin' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('holiday.bin')
  expect(Buffer.compare(await readFile(await download.path()), bytes)).toBe(0)

  await tab.reload()
  await fileRow(tab, 'holiday.bin').waitFor()
  expect(await usedBytes(tab)).toBe(stored)
  await tab.getByRole('button', { name: 'Show the CID and blocks of holiday.bin' }).click()
  expect(await tab.getByTestId('cid').innerText()).toBe(cidOf(bytes, 'holiday.bin'))
  expect(await check(tab)).toMatchObject({ state: 'clean', text: expect.stringContaining('49 blocks') })

  await remove(tab, 'holiday.bin')
  await expect.poll(() => usedBytes(tab)).toBe(0)
  expect(await tab.getByText('Nothing is stored yet.').count()).toBe(1)
  expect(await check(tab)).toMatchObject({ state: 'clean' })
})

test('a dropped file is stored like a chosen one', async () => {
  const bytes = sampleBytes(200_000, 7)
  const tab = await openLeading()
  const data = await tab.evaluateHandle(
    ({ encoded, type }) => {
      const content = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
      const transfer = new DataTransfer()
      transfer.items.add(new File([content], 'dropped.bin', { type }))
      return transfer
    },
    { encoded: bytes.toString('base64'), type: MIMETYPE },
  )
  await tab.dispatchEvent('.dropzone', 'dragover', { dataTransfer: data })
  await tab.dispatchEvent('.dropzone', 'drop', { dataTransfer: data })
  await fileRow(tab, 'dropped.bin').waitFor()
  expect(await tab.getByTestId('cid').innerText()).toBe(cidOf(bytes, 'dropped.bin'))
})

test('saving streams to a chosen file where the browser can do that', async () => {
  const bytes = sampleBytes(5 * MiB + 17, 3)
  const tab = await openLeading()
  await store(tab, 'stream.bin', bytes)
  // The browser's own dialogue is beyond a test's reach: a file of the origin's takes the chosen one's place.
  await tab.evaluate(() => {
    const picked = async (): Promise<FileSystemFileHandle> =>
      (await navigator.storage.getDirectory()).getFileHandle('picked', { create: true })
    Object.assign(window, { showSaveFilePicker: picked })
  })
  await tab.getByRole('button', { name: 'Save stream.bin' }).click()
  await tab.getByText('stream.bin is saved.').waitFor({ state: 'attached' })
  const saved = await tab.evaluate(async () => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('picked')
    const content = await (await handle.getFile()).arrayBuffer()
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
    return { size: content.byteLength, hash: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') }
  })
  const { createHash } = await import('node:crypto')
  expect(saved).toEqual({ size: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') })
})

test('a second tab watches, says so, sees what happens, and takes over', async () => {
  const first = await openLeading()
  await store(first, 'early.bin', sampleBytes(100_000))
  const second = await open()
  await role(second, 'Watching').waitFor()
  await second
    .getByText(
      'Another tab of this browser runs the node; this one only watches. It takes over when you close the other.',
    )
    .waitFor()
  await fileRow(second, 'early.bin').waitFor()
  expect(await second.getByLabel('Choose a file to store').count()).toBe(0)
  expect(await second.getByRole('button', { name: 'Remove' }).count()).toBe(0)
  await screenshot(second, 'viewer')

  await store(first, 'late.bin', sampleBytes(100_000, 2))
  await fileRow(second, 'late.bin').waitFor()
  expect(await usedBytes(second)).toBe(await usedBytes(first))

  await first.close()
  await role(second, 'Running').waitFor()
  expect(await second.getByText('Another tab').count()).toBe(0)
  await store(second, 'own.bin', sampleBytes(50_000, 3))
  expect(await second.getByTestId('file').count()).toBe(3)
})

test('a file that does not fit is one sentence, and leaves the space as it was', async () => {
  const first = await openLeading()
  await store(first, 'small.bin', sampleBytes(100_000))
  await first.close()
  const tab = await under.context.newPage()
  tabs.push(tab)
  // What a browser with little room for this site would answer.
  await tab.addInitScript((quota) => {
    StorageManager.prototype.estimate = async () => ({ quota, usage: 0 })
  }, 12 * MiB)
  await tab.goto(under.url)
  await fileRow(tab, 'small.bin').waitFor()
  const before = await usedBytes(tab)
  const free = Number(await tab.getByTestId('free').getAttribute('data-bytes'))
  expect(before + free).toBe(Math.floor(0.8 * 12 * MiB))
  for (const [size, sentence] of [
    [20 * MiB, /^big\.bin has 20 MiB, more than the 9\.6 MiB this node may store: choose a smaller file\.$/],
    [free + 1, /^This file does not fit into the free space of this node: .+ choose a smaller file\.$/],
  ] as const) {
    await dropLarge(tab, 'big.bin', size)
    expect(await tab.getByRole('alert').locator('p').innerText()).toMatch(sentence)
    await screenshot(tab, 'does-not-fit')
    await tab.getByRole('button', { name: 'Dismiss' }).click()
    expect(await usedBytes(tab)).toBe(before)
    expect(await tab.getByTestId('file').count()).toBe(1)
  }
  expect(await check(tab)).toMatchObject({ state: 'clean' })
})

test('a browser that runs out of room is one sentence, and leaves the space as it was', async () => {
  const tab = await openLeading()
  await store(tab, 'small.bin', sampleBytes(100_000))
  const before = await usedBytes(tab)
  const cdp = await under.context.newCDPSession(tab)
  const { origin } = new URL(under.url)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 24 * MiB })
  try {
    await dropLarge(tab, 'big.bin', 48 * MiB)
    expect(await tab.getByRole('alert').locator('p').innerText()).toMatch(
      /^This browser has no more room for this site: .+\.$/,
    )
    expect(await usedBytes(tab)).toBe(before)
    expect(await tab.getByTestId('file').count()).toBe(1)
    expect(await check(tab)).toMatchObject({ state: 'clean' })
  } finally {
    await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  }
  // There is room again.
  await store(tab, 'after.bin', sampleBytes(1 * MiB, 8))
})

test('a tab closed in the middle of an upload leaves a store whose books are right', async () => {
  const tab = await openLeading()
  await store(tab, 'whole.bin', sampleBytes(300_000))
  await dropLarge(tab, 'broken.bin', 256 * MiB)
  // Some of it is stored by now.
  await expect.poll(() => usedBytes(tab)).toBeGreaterThan(8 * MiB)
  await tab.close()
  const again = await openLeading()
  await fileRow(again, 'whole.bin').waitFor()
  expect(await fileRow(again, 'broken.bin').count()).toBe(0)
  expect(await check(again)).toMatchObject({ state: 'clean' })
})

test('an upload can be cancelled, and nothing of it is left', async () => {
  const tab = await openLeading()
  await dropLarge(tab, 'endless.bin', 256 * MiB)
  await tab.getByRole('button', { name: 'Cancel' }).click()
  await tab.getByText('endless.bin was cancelled; nothing of it is left.').waitFor({ state: 'attached' })
  await expect.poll(() => usedBytes(tab)).toBe(0)
  expect(await tab.getByRole('alert').count()).toBe(0)
  expect(await check(tab)).toMatchObject({ state: 'clean' })
})

test('the page answers while 100 MB are stored', async () => {
  const tab = await openLeading()
  await tab.evaluate(() => {
    const gaps: number[] = []
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      gaps.push(now - last)
      last = now
    }, 5)
    const start = (): void => {
      gaps.length = 0
      last = performance.now()
    }
    document.querySelector('.dropzone')?.addEventListener('drop', start)
    Object.assign(window, { stopGaps: () => (clearInterval(timer), gaps) })
  })
  await dropLarge(tab, 'hundred.bin', 100_000_000)
  await tab.getByRole('progressbar').waitFor()
  await screenshot(tab, 'uploading')
  await fileRow(tab, 'hundred.bin').waitFor({ timeout: 50_000 })
  const gaps = await tab.evaluate(() => (window as unknown as { stopGaps(): number[] }).stopGaps())
  gaps.sort((a, b) => a - b)
  const p99 = gaps[Math.floor(gaps.length * 0.99)] ?? Infinity
  console.log(
    `main thread while storing 100 MB: ${gaps.length} turns, p99 ${p99.toFixed(1)} ms, longest ${gaps.at(-1)?.toFixed(1)} ms`,
  )
  // The rule is 50 ms, for a quiet machine. On any machine, a page that does the work itself stands still for most of it.
  const totalMs = gaps.reduce((sum, gap) => sum + gap, 0)
  expect(gaps.length).toBeGreaterThan(20)
  expect(gaps.at(-1)).toBeLessThan(totalMs / 4)
})

test('a page whose data is cleared says what was lost, and begins anew when reloaded', async () => {
  const tab = await openLeading()
  await store(tab, 'lost.bin', sampleBytes(70_000))
  const cdp = await under.context.newCDPSession(tab)
  await cdp.send('Storage.clearDataForOrigin', { origin: new URL(under.url).origin, storageTypes: 'indexeddb' })
  // As when the person comes back from the browser's settings.
  await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await role(tab, 'Stopped').waitFor()
  expect(await tab.getByTestId('stored').count()).toBe(0)
  expect(await tab.getByRole('alert').locator('p').innerText()).toMatch(
    /^The data of this site was cleared in the browser, and the stored files with it: .+\.$/,
  )
  await screenshot(tab, 'lost')
  await tab.getByRole('button', { name: 'Reload the page' }).click()
  await role(tab, 'Running').waitFor()
  expect(await usedBytes(tab)).toBe(0)
  await store(tab, 'anew.bin', sampleBytes(70_000))
  expect(await check(tab)).toMatchObject({ state: 'clean' })
})

test('everything can be done from the keyboard', async () => {
  const tab = await openLeading()
  await store(tab, 'keys.bin', sampleBytes(70_000))
  const focused = (): Promise<string> =>
    tab.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '')
  const seen: string[] = []
  await tab.locator('body').press('Tab')
  for (let i = 0; i < 12 && !seen.includes(await focused()); i++) {
    seen.push(await focused())
    await tab.keyboard.press('Tab')
  }
  const wanted = [
    'Choose a file to store',
    'Copy CID',
    'Slots',
    'May be lost',
    'Protect',
    'Save keys.bin',
    'Remove keys.bin',
    'Ask to keep it',
    'Check storage',
  ]
  expect(seen).toEqual(expect.arrayContaining(wanted))
  await tab.getByRole('button', { name: 'Remove keys.bin' }).press('Enter')
  expect(await focused()).toBe('Keep it')
  await tab.keyboard.press('Escape')
  expect(await tab.getByTestId('file').count()).toBe(1)
  expect(await focused()).toBe('Remove keys.bin')
})

test('who removes a file by key goes on at the list', async () => {
  const tab = await openLeading()
  await store(tab, 'gone.bin', sampleBytes(70_000))
  await tab.getByRole('button', { name: 'Remove gone.bin' }).press('Enter')
  await tab.getByRole('button', { name: 'Remove it' }).press('Enter')
  await fileRow(tab, 'gone.bin').waitFor({ state: 'detached' })
  expect(await tab.evaluate(() => document.activeElement?.id)).toBe('files')
})

test('the browser is asked to keep the data at a click, and its answer is told', async () => {
  const tab = await openLeading()
  const ask = tab.getByRole('button', { name: 'Ask to keep it' })
  await tab.evaluate(() => {
    StorageManager.prototype.persist = async () => false
  })
  await ask.click()
  expect(await tab.getByRole('alert').locator('p').innerText()).toMatch(
    /^The browser did not agree .+, then ask again\.$/,
  )
  await tab.evaluate(() => {
    StorageManager.prototype.persist = async () => true
    StorageManager.prototype.persisted = async () => true
  })
  await ask.click()
  await tab.getByText('The browser promised to keep this data').waitFor()
  expect(await ask.count()).toBe(0)
})

test('the policy is in force: markup from text and scripts from elsewhere are refused', async () => {
  const tab = await openLeading()
  const refused = await tab.evaluate(() => {
    const tries = [
      () => (document.body.innerHTML = '<p>x</p>'),
      () => new Worker('./x.js'),
      () => new Worker(URL.createObjectURL(new Blob(['1']))),
    ]
    return tries.map((attempt) => {
      try {
        attempt()
        return 'allowed'
      } catch (error) {
        return error instanceof Error ? error.name : 'refused'
      }
    })
  })
  expect(refused).toEqual(['TypeError', 'TypeError', 'TypeError'])
  // Three tries against two policies, the header's and the page's own.
  const violations = (): number => under.complaints.filter((text) => text.startsWith('policy violated')).length
  await expect.poll(violations).toBe(6)
  under.complaints.splice(0)
})

test('the page demands of itself what its server demands of it', async () => {
  const html = await readFile(join(BUILT_PAGE, 'index.html'), 'utf8')
  const own = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? ''
  const served = PAGE_HEADERS['Content-Security-Policy'] ?? ''
  const directives = (text: string): string[] => text.split(';').map((directive) => directive.trim())
  // A meta tag cannot say who may frame the page.
  expect(directives(own)).toEqual(directives(served).filter((directive) => !directive.startsWith('frame-ancestors')))
})

test('it fits 320 px and a desktop, in light and in dark', async () => {
  const tab = await openLeading()
  await store(
    tab,
    'a-rather-long-name-of-a-file-that-somebody-once-downloaded-from-somewhere.tar.gz',
    sampleBytes(900_000),
  )
  await store(tab, 'notes.txt', sampleBytes(2 * MiB + 5, 4))
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [320, 1280]) {
      await tab.emulateMedia({ colorScheme })
      await tab.setViewportSize({ width, height: 800 })
      const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      await screenshot(tab, `${colorScheme}-${width}`)
    }
})

test('it works from below any path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-subpath-'))
  await cp(BUILT_PAGE, folder, { recursive: true })
  await cp(BUILT_PAGE, join(folder, 'some', 'where'), { recursive: true })
  const served = await openPage(folder)
  try {
    const tab = await served.open('some/where/index.html')
    await role(tab, 'Running').waitFor()
    await store(tab, 'deep.bin', sampleBytes(70_000))
    expect(served.complaints).toEqual([])
  } finally {
    await served.close()
    await rm(folder, { recursive: true, force: true })
  }
})
