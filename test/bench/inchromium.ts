// Runs a measurement inside a page: bundles it, serves it on loopback, opens Chromium on a profile that lies on the disk, asks.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { chromium } from 'playwright'
import { build, preview } from 'vite'

import { findChromium } from '../chromium.ts'
import type { Place, Sample, SideName } from './harness.ts'
import { rendererMemory } from './renderermemory.ts'

/** A page under these headers is cross-origin isolated: its clock is precise. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}
const PAGE_HTML = '<!doctype html><meta charset="utf-8" /><script type="module" src="/page.js"></script>'

/** What a page of a bench puts on its global object under {@link PAGE_SIDES}. */
export type PageSides = Record<SideName, (quick: boolean) => Promise<Sample>>
export const PAGE_SIDES = 'codexLightBenchSides'

/** Bundles `test/bench/<name>.page.ts` into the bench's folder. */
export async function buildPage({ root, folder }: Place, name: string): Promise<void> {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      target: 'es2022',
      outDir: pagesOf(folder),
      emptyOutDir: true,
      modulePreload: false,
      rolldownOptions: {
        input: join(root, 'test/bench', `${name}.page.ts`),
        output: { entryFileNames: 'page.js' },
      },
    },
  })
  await writeFile(join(pagesOf(folder), 'index.html'), PAGE_HTML)
}

/**
 * One side's sample, from a browser and a profile of its own, with what the tab's memory grew by at most: `tabPeakMiB`.
 * @param isolated whether the page is cross-origin isolated
 */
export async function measureInChromium(
  { root, folder, quick }: Place,
  side: SideName,
  { isolated = true }: { readonly isolated?: boolean } = {},
): Promise<Sample> {
  const server = await preview({
    root,
    configFile: false,
    logLevel: 'error',
    build: { outDir: pagesOf(folder) },
    preview: { host: '127.0.0.1', port: 0, headers: isolated ? HEADERS : {} },
  })
  // The default context is incognito: its OPFS and IndexedDB would live in memory, neither slow nor durable.
  const profile = await mkdtemp(join(folder, 'profile-'))
  const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
  try {
    const page = await context.newPage()
    const [address = ''] = server.resolvedUrls?.local ?? []
    await page.goto(address)
    await page.waitForFunction((name) => name in globalThis, PAGE_SIDES)
    const { nowMiB: idleMiB } = rendererMemory()
    const sample = await page.evaluate(
      async ([name, wanted, small, wantsIsolated]) => {
        const sides = (globalThis as unknown as Record<string, PageSides>)[name]
        if (sides === undefined || globalThis.crossOriginIsolated !== wantsIsolated)
          throw new Error('the page is not what it should be')
        return sides[wanted](small)
      },
      [PAGE_SIDES, side, quick, isolated] as const,
    )
    return { ...sample, tabPeakMiB: rendererMemory().peakMiB - idleMiB }
  } finally {
    await context.close()
    await server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Where files lie that the page may fetch. */
export function pagesOf(folder: string): string {
  return join(folder, 'page')
}
