// What the demo that serves this page says of itself: where its chain is and how to join. Found beside the page, on this machine only.

import { CodexError } from '../src/lib/errors.ts'

/** Development only: its money is play money. */
export interface DemoOffer {
  /** Of one run of the demo. */
  readonly id: string
  readonly ethProvider: string
  readonly marketplace: string
  readonly bootstrap: readonly string[]
  readonly circuitShape?: { readonly samples: number; readonly slotDepth: number; readonly datasetDepth: number }
  /** Whether storage can be asked for now. */
  readonly ready: boolean
  /** Whether its own provider can be looked at. */
  readonly shows: boolean
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Undefined where no demo serves this page. Never rejects. */
export async function findDemo(): Promise<DemoOffer | undefined> {
  // A site elsewhere is not asked for what only a demo has.
  if (!LOOPBACK.has(window.location.hostname)) return undefined
  try {
    const response = await fetch(new URL('/demo.json', window.location.origin))
    if (!response.ok || response.headers.get('content-type')?.startsWith('application/json') !== true) return undefined
    return read(await response.json())
  } catch {
    return undefined
  }
}

function read(found: unknown): DemoOffer | undefined {
  if (typeof found !== 'object' || found === null) return undefined
  const { id, ethProvider, marketplace, bootstrap, circuitShape, ready, shows } = found as Record<string, unknown>
  if (typeof id !== 'string' || !/^[0-9a-f]{1,32}$/.test(id)) return undefined
  if (typeof ethProvider !== 'string' || typeof marketplace !== 'string') return undefined
  if (!Array.isArray(bootstrap) || !bootstrap.every((each) => typeof each === 'string')) return undefined
  const shape =
    typeof circuitShape === 'object' && circuitShape !== null
      ? { circuitShape: circuitShape as NonNullable<DemoOffer['circuitShape']> }
      : {}
  return { id, ethProvider, marketplace, bootstrap, ...shape, ready: ready === true, shows: shows === true }
}

/** Of the demo that this browser sells in: after a reload its slots go on needing proofs. */
const SELLS_KEY = 'codex-light/sells-in'

export function noteSelling({ id }: DemoOffer): void {
  localStorage.setItem(SELLS_KEY, id)
}

/** Whether this browser was selling there when its tab was closed. */
export function wasSelling({ id }: DemoOffer): boolean {
  return localStorage.getItem(SELLS_KEY) === id
}

/** Has the server of this page do something of the demo. @throws CodexError `page/no-request` with what it said */
export async function askDemo(act: 'request' | 'fund', body?: string): Promise<void> {
  const response = await fetch(new URL(`/demo/${act}`, window.location.origin), {
    method: 'POST',
    headers: { 'X-Codex-Light': 'page' },
    ...(body !== undefined && { body }),
  })
  if (!response.ok) throw new CodexError('page/no-request', (await response.text()).trim())
}
