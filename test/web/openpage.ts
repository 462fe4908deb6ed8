// The built page in a real Chromium, for tests: serves it, opens tabs, collects what must not happen. It states nothing by itself.

import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { BrowserContext, Locator, Page } from 'playwright'
import { chromium } from 'playwright'

import { type LiveDemo, servePage } from '../../src/cli/servepage.ts'
import { findChromium } from '../chromium.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BUILT_PAGE = join(ROOT, 'dist', 'web')
export const SCREENSHOTS = join(ROOT, '.cache', 'screenshots')

const READY_TIMEOUT_MS = 30_000

export interface PageUnderTest {
  readonly url: string
  readonly context: BrowserContext
  /** What consoles, pages and their policies complained about, in all tabs so far. */
  readonly complaints: string[]
  /** A new tab with the page in it. */
  open(path?: string): Promise<Page>
  close(): Promise<void>
}

/**
 * @param folder what is served, the built page by default
 * @param circuit a folder with the circuit beside the page; none by default
 * @param demo what the page finds of a demo; none by default
 */
export async function openPage(folder: string = BUILT_PAGE, circuit?: string, demo?: LiveDemo): Promise<PageUnderTest> {
  if (!existsSync(join(folder, 'index.html'))) throw new Error('the page is not built: run `npm run build` first')
  const profile = await mkdtemp(join(tmpdir(), 'codex-light-page-'))
  const server = await servePage(folder, { demo, ...(circuit !== undefined && { circuit: async () => circuit }) })
  // Persistent, because storage of a private window lives in memory and is small.
  const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
  context.setDefaultTimeout(READY_TIMEOUT_MS)
  const complaints: string[] = []
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} (${message.location().url})`)
  })
  context.on('weberror', (error) => complaints.push(String(error.error())))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`),
    )
  })
  return {
    url: server.url,
    context,
    complaints,
    async open(path = '') {
      const page = await context.newPage()
      await page.goto(new URL(path, server.url).href)
      return page
    },
    async close() {
      await context.close()
      await server.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Reproducible bytes that do not repeat within a block. */
export function sampleBytes(length: number, seed = 1): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export const role = (page: Page, word: string): Locator => page.locator('.mark', { hasText: word })
export const fileRow = (page: Page, name: string): Locator => page.getByTestId('file').filter({ hasText: name })

export async function choose(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.getByLabel('Choose a file to store').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
}

/** As {@link choose}, for files too large to hand to the browser from outside. No two blocks are equal. */
export async function dropLarge(page: Page, name: string, length: number): Promise<void> {
  const data = await page.evaluateHandle(
    ({ name, length }) => {
      const bytes = new Uint8Array(length)
      // The most a browser gives at once is a block.
      for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
      const transfer = new DataTransfer()
      transfer.items.add(new File([bytes], name))
      return transfer
    },
    { name, length },
  )
  await page.dispatchEvent('.dropzone', 'drop', { dataTransfer: data })
}

export async function usedBytes(page: Page): Promise<number> {
  return Number(await page.getByTestId('used').getAttribute('data-bytes'))
}

/** Keeps a picture for people to look at, in a folder that is not committed. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
}
