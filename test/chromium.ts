// Finds a Chromium for the tests on whatever machine this is. It starts nothing and downloads nothing.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

const VERSION_TIMEOUT_MS = 20_000
/** Under the temporary folder; the number is the major version of the package. */
const UNPACKED_FOLDER = 'codex-light-chromium-143'

const NOT_FOUND =
  'No browser found: run `apt-get install chromium` (or `npx playwright install chromium`), then `npm test` again.'

/**
 * The first usable browser: `CODEX_LIGHT_CHROMIUM`, a system Chromium or Chrome, one that Playwright installed, the one
 * inside the package `@sparticuz/chromium`.
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
  system: () => Promise.resolve(firstThatRuns(systemFiles())),
  playwright: async () => {
    const { chromium } = await import('playwright')
    return firstThatRuns([chromium.executablePath()])
  },
  package: chromiumFromPackage,
}

function sourcesFromEnvironment(): readonly ChromiumSource[] {
  const wanted = process.env['CODEX_LIGHT_CHROMIUM_FROM']?.split(',')
  return wanted === undefined ? SOURCES : SOURCES.filter((source) => wanted.includes(source))
}

function systemFiles(): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...SYSTEM_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...SYSTEM_FILES]
}

/**
 * The package unpacks itself into the temporary folder, of which we give it one of its own, complete or absent: two runs
 * at once, or one killed half-way, never leave half a browser. It believes to be on its home platform, because only there
 * it also unpacks the shared libraries that a bare Debian lacks.
 */
async function chromiumFromPackage(): Promise<Chromium | undefined> {
  const folder = join(tmpdir(), UNPACKED_FOLDER)
  const file = join(folder, 'chromium')
  if (!isExecutable(file)) {
    const before = { ...process.env }
    const unpacked = mkdtempSync(`${folder}-`)
    try {
      Object.assign(process.env, { TMPDIR: unpacked, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' })
      const { default: chromium } = await import('@sparticuz/chromium')
      await chromium.executablePath()
      if (!existsSync(folder)) renameSync(unpacked, folder)
    } catch {
      return undefined // An optional dependency: not installed, or not for this processor, is not an error here.
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name)
      Object.assign(process.env, before)
      rmSync(unpacked, { recursive: true, force: true })
    }
  }
  const libraries = { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'), FONTCONFIG_FILE: fontSettings(folder) }
  return firstThatRuns([file], { ...definedEnvironment(), ...libraries })
}

/** The package's own settings name folders of its home platform; a tab that finds no font at all crashes at the first input field. */
function fontSettings(folder: string): string {
  const file = join(folder, 'fonts.conf')
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`).join('')
  const header = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
  const cache = `<cachedir>${join(folder, 'fontcache')}</cachedir>`
  writeFileSync(file, `${header}<fontconfig>${folders}${cache}</fontconfig>`)
  return file
}

function definedEnvironment(): Record<string, string> {
  const defined = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(defined)
}

/** Asked for its version first: some distributions put a script in the browser's place that only says how to get one. */
function firstThatRuns(files: readonly string[], env?: Record<string, string>): Chromium | undefined {
  const runs = (file: string): boolean =>
    spawnSync(file, ['--version'], { env: env ?? process.env, stdio: 'ignore', timeout: VERSION_TIMEOUT_MS }).status ===
    0
  const executablePath = files.find((file) => isExecutable(file) && runs(file))
  if (executablePath === undefined) return undefined
  return { executablePath, args: [...CLOSED_NETWORK_ARGS], ...(env === undefined ? {} : { env }) }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
