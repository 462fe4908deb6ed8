// Makes a TypeScript file of test/ runnable by Node itself, which needs JavaScript. Browsers get theirs from vite's server.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'codex-light', 'children')

/** Packages that a bundle cannot hold. They are found from the cache folder, because it lies inside `node_modules`. */
const EXTERNAL = ['classic-level', 'playwright', 'vite', '@sparticuz/chromium']

/**
 * Bundles the file at `path` with all it imports into one module.
 *
 * Several processes may do this at the same moment: the module is named after its content and appears in one step.
 * @returns the `file:` URL of the module
 */
export async function bundleModule(path: string): Promise<URL> {
  const code = await bundle(path)
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16)
  const file = join(CACHE, `${basename(path, '.ts')}.${digest}.mjs`)
  if (!existsSync(file)) {
    mkdirSync(CACHE, { recursive: true })
    const unfinished = `${file}.${process.pid}.${performance.now()}`
    writeFileSync(unfinished, code)
    renameSync(unfinished, file)
  }
  return pathToFileURL(file)
}

async function bundle(input: string): Promise<string> {
  const result = await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    ssr: { noExternal: true, target: 'node', external: EXTERNAL },
    build: {
      ssr: true,
      write: false,
      target: 'es2022',
      minify: false,
      rolldownOptions: { input, external: [/^node:/, ...EXTERNAL], output: { format: 'es', codeSplitting: false } },
    },
  })
  const outputs = Array.isArray(result) ? result : [result]
  const chunks = outputs
    .flatMap((built) => ('output' in built ? built.output : []))
    .filter((file) => file.type === 'chunk')
  const [chunk] = chunks
  if (chunk === undefined || chunks.length !== 1)
    throw new Error(`expected one module from ${input}, found ${chunks.length}`)
  return chunk.code
}
