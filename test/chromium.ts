// Finds a Chromium for the tests on whatever machine this is. It starts nothing and downloads nothing.

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What a launcher needs: the browser's file, its arguments, and its environment when that must differ from ours. */
export interface Chromium {
  readonly executablePath: string
  readonly args: string[]
  readonly env?: Record<string, string>
}

/** Places of the browser, in the order they are tried. `CODEX_LIGHT_CHROMIUM` names a file and wins over all of them. */
export type ChromiumSource = 'system' | 'playwright' | 'package'

const SOURCES: readonly ChromiumSource[] = ['system', 'playwright', 'package']

/** As Debian's documentation of its Chromium has it for closed networks: no sandbox as root, nothing that calls home. */
const CLOSED_NETWORK_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-extensions',
]

const SYSTEM_NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']
const SYSTEM_FILES = [
  '/usr/bin/chromium',
  '/usr/lib/chromium/chromium',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const NOT_FOUND =
  'No browser found: run `apt-get install chromium` (or `npx playwright install chromium`), then `npm test` again.'

/**
 * The first usable browser: `CODEX_LIGHT_CHROMIUM`, a system Chromium or Chrome, one that Playwright installed, the one
 * inside the optional package `@sparticuz/chromium`.
 *
 * @param sources which places to try; `CODEX_LIGHT_CHROMIUM_FROM` (comma separated) narrows them from outside
 * @throws Error with one sentence that names the command to run, when there is none
 */
export async function findChromium(sources = sourcesFromEnvironment()): Promise<Chromium> {
  const named = process.env['CODEX_LIGHT_CHROMIUM']
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return { executablePath: named, args: [...CLOSED_NETWORK_ARGS] }
    throw new Error(`CODEX_LIGHT_CHROMIUM must name an executable browser, but found none at ${named}.`)
  }
  for (const source of sources) {
    const found = await FINDERS[source]()
    if (found !== undefined) return found
  }
  throw new Error(NOT_FOUND)
}

const FINDERS: Record<ChromiumSource, () => Promise<Chromium | undefined>> = {
  system: () => Promise.resolve(withArgs(systemFile())),
  playwright: async () => {
    const { chromium } = await import('playwright')
    return withArgs(chromium.executablePath())
  },
  package: chromiumFromPackage,
}

function sourcesFromEnvironment(): readonly ChromiumSource[] {
  const wanted = process.env['CODEX_LIGHT_CHROMIUM_FROM']?.split(',')
  return wanted === undefined ? SOURCES : SOURCES.filter((source) => wanted.includes(source))
}

function systemFile(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const onPath = SYSTEM_NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...onPath, ...SYSTEM_FILES].find(isExecutable)
}

/** The package unpacks its browser into the temporary folder once; later calls find it there. */
async function chromiumFromPackage(): Promise<Chromium | undefined> {
  try {
    const { default: chromium } = await import('@sparticuz/chromium')
    return withArgs(await chromium.executablePath())
  } catch {
    return undefined // An optional dependency: not installed is not an error here.
  }
}

function withArgs(file: string | undefined): Chromium | undefined {
  return file !== undefined && isExecutable(file) ? { executablePath: file, args: [...CLOSED_NETWORK_ARGS] } : undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
