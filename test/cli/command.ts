// Runs the built command as a user does: a process of its own, its streams and its exit code. Not a test.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Readable, Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { runCommand } from '../../src/cli/runcommand.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ended>
}

/** Starts it with pipes; the caller writes to and closes `child.stdin`. It is gone when the test is over. */
export function start(args: readonly string[], { env = {}, cwd }: CommandOptions = {}): Running {
  if (!existsSync(CLI)) throw new Error(`found no ${CLI}: build it with npm run build`)
  // None of our own settings may reach it.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CODEX_LIGHT_|XDG_|NODE_OPTIONS|NO_COLOR)/.test(name),
  )
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined)
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...texts }))
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return { child, ended }
}

/** Runs it to its end, with nothing or `input` on stdin. */
export async function run(
  args: readonly string[],
  options: CommandOptions & { readonly input?: Uint8Array } = {},
): Promise<Ended> {
  const { child, ended } = start(args, options)
  child.stdin.end(options.input)
  return await ended
}

/** Runs it with `--json`, expects exit code 0 and silence on stderr, and answers the document. */
export async function document(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...args, '--json'], options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Record<string, unknown>
}

interface Failure {
  readonly code: number | null
  readonly error: { code: string; message: string; detail: Record<string, unknown> }
}

/** Runs it with `--json` and expects it to fail: one error document on stdout, one line on stderr. */
export async function failure(
  args: readonly string[],
  options: CommandOptions & { readonly input?: Uint8Array } = {},
): Promise<Failure> {
  return failureOf(await run([...args, '--json'], options))
}

/** The same within this process: for many that are refused before anything is opened. */
export async function failureHere(args: readonly string[]): Promise<Failure> {
  const said = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(chunk, _, done) {
        said[name] += String(chunk)
        done()
      },
    })
  const dist = pathToFileURL(CLI)
  const code = await runCommand([...args, '--json'], dist, { stdout: stream('stdout'), stderr: stream('stderr') })
  return failureOf({ code, ...said })
}

function failureOf({ code, stdout, stderr }: Ended): Failure {
  expect(stderr.trim().split('\n')).toHaveLength(1)
  const { error } = JSON.parse(stdout) as Failure
  expect(stderr).toContain(error.code)
  expect(stderr).not.toMatch(/\n\s+at /)
  return { code, error }
}

/** A folder that is gone when the test is over. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codex-light-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** Bytes that look random and are the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** What `space --check` says of the folder; expects it to find nothing wrong. */
export async function soundSpace(dataDir: string): Promise<Record<string, unknown>> {
  const space = await document(['space', '--check', '--data-dir', dataDir])
  expect(space['problems']).toEqual([])
  return space
}

/** Whether a node has opened the folder and said so. */
export function holderOf(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, 'node.pid'), 'utf8').trim()
  } catch (error) {
    // Asking first whether it is there would not do: its node may take it away in between.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
