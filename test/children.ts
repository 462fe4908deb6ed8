// Makes the scripts of test/children/ runnable as child processes or threads of Node, which needs JavaScript. Browsers get theirs from vite's server.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'codex-light', 'children')

/** Packages that a bundle cannot hold. They are found from the cache folder, because it lies inside `node_modules`. */
const EXTERNAL = ['classic-level']

/**
 * Bundles `test/children/<name>.ts` with all it imports into one module.
 *
 * Test files may do this at the same moment: the file is named after its content and appears in one step.
 * @returns the `file:` URL of the module
 */
export async function bundleChild(name: string): Promise<URL> {
  const code = await bundle(join(ROOT, 'test', 'children', `${name}.ts`))
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 16)
  const file = join(CACHE, `${name}.${digest}.mjs`)
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
