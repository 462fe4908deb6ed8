// `codex-light devnet` in a process of its own, whose time a test pushes on, and how tests talk to nodes on it. Not a test.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { start } from './command.ts'
import type { StartedNode } from './startednode.ts'

/** Seconds; a proof must not take more than half of it, however busy the machine is. */
export const PERIOD = 600

export interface Devnet {
  readonly endpoint: string
  readonly marketplace: string
  readonly token: string
  readonly accounts: readonly { readonly address: string; readonly privateKey: string }[]
  call(method: string, ...params: unknown[]): Promise<unknown>
}

export async function startDevnet(
  folder: string,
  verificationKey: string,
  more: readonly string[] = [],
): Promise<Devnet> {
  // Of almost no downtime, so that no slot waits for more than the next period.
  const terms = ['--period', `${PERIOD}s`, '--downtime', '1', '--block-time', '1s']
  const args = ['devnet', '--json', ...terms, '--verification-key', verificationKey]
  const { child, ended } = start([...args, ...more, '--deployment', join(folder, 'deployment.json')])
  let text = ''
  const facts = await new Promise<Omit<Devnet, 'call'>>((resolve, reject) => {
    child.stdout.on('data', (part: string) => {
      text += part
      if (text.includes('\n')) resolve(JSON.parse(text) as Omit<Devnet, 'call'>)
    })
    void ended.then(({ stderr }) => reject(new Error(`devnet ended: ${stderr}`)))
  })
  return {
    ...facts,
    async call(method, ...params) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(facts.endpoint, { method: 'POST', headers, body })
      return ((await answer.json()) as { result: unknown }).result
    },
  }
}

interface Answer {
  readonly error: boolean
  readonly data: unknown
}

/** What the public SDK brought; throws what it failed with. */
export async function good<A extends Answer>(answer: Promise<A>): Promise<Extract<A, { error: false }>['data']> {
  const { error, data } = await answer
  if (error) throw data
  return data
}

export async function until(what: string, isSo: () => Promise<boolean>, said = () => ''): Promise<void> {
  for (let look = 0; !(await isSo()); look++) {
    if (look > 600) throw new Error(`what was waited for did not come about: ${what}; ${said().slice(-3000)}`)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

/** Our own rows, which want the token. */
export async function rows({ api, dataDir }: StartedNode, path: string): Promise<unknown> {
  const { token } = JSON.parse(readFileSync(join(dataDir, 'api.json'), 'utf8')) as { token: string }
  const answer = await fetch(`${api}api/v1/${path}`, { headers: { Authorization: `Bearer ${token}` } })
  return answer.json()
}
