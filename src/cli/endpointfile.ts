// The note of a running node in its data folder: where it is spoken to, and the token that proves one may read the folder. Not what is said.

import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'

const FILE = 'api.json'
const TOKEN_BYTES = 32

export interface Endpoint {
  /** Root of its REST surface, with a slash at the end. */
  readonly url: string
  readonly token: string
  readonly pid: number
}

export function endpointPath(folder: string): string {
  return join(folder, FILE)
}

/** Nobody can guess it. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** For this user only, and whole or not at all. */
export async function writeEndpoint(folder: string, endpoint: Endpoint): Promise<void> {
  const path = endpointPath(folder)
  const fresh = `${path}.new`
  await rm(fresh, { force: true })
  await writeFile(fresh, `${JSON.stringify(endpoint)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(fresh, path)
}

/** Undefined when no node of the folder runs, as far as one can tell: a node that was killed leaves its note behind. */
export async function readEndpoint(folder: string): Promise<Endpoint | undefined> {
  try {
    const found = JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Partial<Endpoint> | null
    const { url, token, pid } = found ?? {}
    if (typeof url !== 'string' || typeof token !== 'string' || typeof pid !== 'number') return undefined
    return isAlive(pid) ? { url, token, pid } : undefined
  } catch {
    // No note, or none that can be read: whoever then opens the folder learns whether it is in use.
    return undefined
  }
}

/** Of this process only: the next node may have left its own already. */
export async function removeEndpoint(folder: string): Promise<void> {
  const found = await readEndpoint(folder)
  if (found?.pid === process.pid) await rm(join(folder, FILE), { force: true })
}

/** The token must not go to whoever listens there now. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
