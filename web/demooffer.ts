// What the demo that serves this page says of itself: where its chain is and how to join. Found beside the page, on this machine only.

/** Development only: the key is one that everybody knows. */
export interface DemoOffer {
  readonly ethProvider: string
  readonly marketplace: string
  readonly bootstrap: readonly string[]
  readonly key: string
  readonly circuitShape?: { readonly samples: number; readonly slotDepth: number; readonly datasetDepth: number }
  /** Whether storage can be asked for now. */
  readonly ready: boolean
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
  const { ethProvider, marketplace, bootstrap, key, circuitShape, ready } = found as Record<string, unknown>
  if (typeof ethProvider !== 'string' || typeof marketplace !== 'string' || typeof key !== 'string') return undefined
  if (!Array.isArray(bootstrap) || !bootstrap.every((each) => typeof each === 'string')) return undefined
  const shape =
    typeof circuitShape === 'object' && circuitShape !== null
      ? { circuitShape: circuitShape as NonNullable<DemoOffer['circuitShape']> }
      : {}
  return { ethProvider, marketplace, bootstrap, key, ...shape, ready: ready === true }
}

/** Of the marketplace that this browser sells in: after a reload its slots go on needing proofs. */
const SELLS_KEY = 'codex-light/sells-in'

export function noteSelling({ marketplace }: DemoOffer): void {
  localStorage.setItem(SELLS_KEY, marketplace)
}

/** Whether this browser was selling there when its tab was closed. */
export function wasSelling({ marketplace }: DemoOffer): boolean {
  return localStorage.getItem(SELLS_KEY) === marketplace
}
