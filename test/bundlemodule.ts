// Makes a TypeScript file of test/ runnable by Node itself, which needs JavaScript. Browsers get theirs from vite's server.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'
import { workerFiles } from './workerfiles.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = join(ROOT, 'node_modules', '.cache', 'codex-light', 'children')

/** Packages that a bundle cannot hold. They are found from the cache folder, because it lies inside `node_modules`. */
const EXTERNAL = ['classic-level', 'playwright', 'snarkjs', 'vite', '@sparticuz/chromium']
/** What a bundle is made of. */
const SOURCES = ['src', 'test', 'wasm', 'package.json', 'package-lock.json']

/**
 * Bundles the file at `path` with all it imports, and with the scripts of threads it names, into a folder of its own.
 *
 * Several processes may do this at the same moment: the folder is named after its content and appears in one step. While no source changes, what was
 * bundled before is taken.
 * @returns the `file:` URL of the module
 */
export async function bundleModule(path: string): Promise<URL> {
  const note = join(CACHE, `${basename(path, '.ts')}.${sourcesDigest(path)}.entry`)
  const noted = existsSync(note) ? readFileSync(note, 'utf8') : ''
  if (noted !== '' && existsSync(noted)) return pathToFileURL(noted)
  const entry = await bundled(path)
  writeFileSync(`${note}.${process.pid}`, entry)
  renameSync(`${note}.${process.pid}`, note)
  return pathToFileURL(entry)
}

/** Of the names, sizes and times of all sources, and of this one's path. */
function sourcesDigest(path: string): string {
  const digest = createHash('sha256').update(relative(ROOT, path))
  for (const source of SOURCES) {
    const root = join(ROOT, source)
    const names = statSync(root).isDirectory() ? readdirSync(root, { recursive: true, encoding: 'utf8' }).sort() : ['']
    for (const name of names) {
      const { size, mtimeMs } = statSync(join(root, name))
      digest.update(`${name} ${size} ${mtimeMs}\n`)
    }
  }
  return digest.digest('hex').slice(0, 16)
}

/** @returns the path of the module */
async function bundled(path: string): Promise<string> {
  const files = await bundle(path)
  const digest = createHash('sha256')
  for (const { fileName, code } of files) digest.update(`${fileName}\n${code}\n`)
  const folder = join(CACHE, `${basename(path, '.ts')}.${digest.digest('hex').slice(0, 16)}`)
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}.${performance.now()}`
    mkdirSync(unfinished, { recursive: true })
    for (const { fileName, code } of files) writeFileSync(join(unfinished, fileName), code)
    try {
      renameSync(unfinished, folder)
    } catch (error) {
      // Another process was first, with the same content.
      rmSync(unfinished, { recursive: true })
      if (!existsSync(folder)) throw error
    }
  }
  return join(folder, files.find(({ isEntry }) => isEntry)?.fileName ?? '')
}

async function bundle(input: string): Promise<{ fileName: string; code: string; isEntry: boolean }[]> {
  const result = await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    plugins: [workerFiles()],
    ssr: { noExternal: true, target: 'node', external: EXTERNAL },
    build: {
      ssr: true,
      write: false,
      target: 'es2022',
      minify: false,
      rolldownOptions: {
        input,
        external: [/^node:/, ...EXTERNAL],
        output: { format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  const outputs = Array.isArray(result) ? result : [result]
  return outputs
    .flatMap((built) => ('output' in built ? built.output : []))
    .filter((file) => file.type === 'chunk')
    .map(({ fileName, code, facadeModuleId }) => ({ fileName, code, isEntry: facadeModuleId === input }))
}
