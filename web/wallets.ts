// Browser wallets that a person has: found as EIP-6963 has it, or by the older EIP-1193. Of one is asked which address is its person's, and what that person sends
// on a click. It never signs what the node does.

import { CodexError } from '../src/lib/errors.ts'

export interface Wallet {
  /** Of its announcement: others may have the same name. */
  readonly id: string
  readonly name: string
  /** What it calls itself in reversed domain names; undefined where it does not. */
  readonly rdns: string | undefined
  readonly request: (call: { readonly method: string; readonly params?: readonly unknown[] }) => Promise<unknown>
}

interface Info {
  readonly uuid?: unknown
  readonly name?: unknown
  readonly rdns?: unknown
}

interface Announcement extends Event {
  readonly detail?: { readonly info?: Info; readonly provider?: unknown }
}

/** Wallets that are listed; a page full of them helps nobody. */
const MAX_WALLETS = 20
const MAX_NAME_CHARS = 40
/** `transfer(address,uint256)` */
const TRANSFER = '0xa9059cbb'

/** Tells of each wallet as it announces itself, until `closing`. */
export function findWallets(found: (wallets: readonly Wallet[]) => void, closing: AbortSignal): void {
  const wallets: Wallet[] = []
  const add = (info: Info, provider: unknown): void => {
    const wallet = walletOf(info, provider)
    if (wallet === undefined || wallets.length >= MAX_WALLETS || wallets.some((one) => one.id === wallet.id)) return
    wallets.push(wallet)
    found([...wallets])
  }
  window.addEventListener(
    'eip6963:announceProvider',
    ({ detail }: Announcement) => add(detail?.info ?? {}, detail?.provider),
    { signal: closing },
  )
  window.dispatchEvent(new Event('eip6963:requestProvider'))
  // Older ones are only there.
  const { ethereum } = window as { readonly ethereum?: unknown }
  if (wallets.length === 0 && ethereum !== undefined) add({ name: 'The wallet of this browser' }, ethereum)
}

function walletOf(info: Info, provider: unknown): Wallet | undefined {
  const { request } = Object(provider) as Partial<Wallet>
  if (typeof request !== 'function') return undefined
  const text = (key: keyof Info): string | undefined => {
    const value = info[key]
    return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME_CHARS) : undefined
  }
  const name = text('name') ?? 'A wallet'
  const rdns = text('rdns')
  return {
    // One that does not tell itself apart is known by the rest.
    id: text('uuid') ?? `${rdns} ${name}`,
    ...{ name, rdns },
    request: (call) => request.call(provider, call),
  }
}

/** Its name, and where others of `wallets` have the same one what else it calls itself. */
export function labelOf({ id, name, rdns }: Wallet, wallets: readonly Wallet[]): string {
  return wallets.some((other) => other.id !== id && other.name === name)
    ? `${name} (${rdns ?? 'without a name of its own'})`
    : name
}

/** Asks the person which address. @throws CodexError `page/wallet-refused` */
export async function askAddress({ request, name }: Pick<Wallet, 'name' | 'request'>): Promise<string> {
  const accounts = await asked(name, request({ method: 'eth_requestAccounts' }))
  const [address]: unknown[] = Array.isArray(accounts) ? accounts : []
  if (typeof address === 'string' && /^0x[0-9a-f]{40}$/i.test(address)) return address.toLowerCase()
  throw new CodexError('page/wallet-refused', `${name} named no address; unlock it and try again`)
}

export interface TopUp {
  readonly from: string
  /** The node key. */
  readonly to: string
  /** Of the chain that the node is on. */
  readonly chainId: number
  readonly amountWei: bigint
  /** Contract of the token; coins for gas without it. */
  readonly token?: string | undefined
}

/** Has the wallet offer its person to send so much. Settles with the transaction's hash. @throws CodexError `page/wallet-refused`, `page/wallet-elsewhere` */
export async function topUp(
  { request, name }: Pick<Wallet, 'name' | 'request'>,
  { from, to, chainId, amountWei, token }: TopUp,
): Promise<string> {
  const found = Number(await asked(name, request({ method: 'eth_chainId' })))
  if (found !== chainId)
    throw new CodexError(
      'page/wallet-elsewhere',
      `${name} is on chain ${found}, the node on chain ${chainId}: switch the wallet over, then try again`,
      { detail: { found, expected: chainId } },
    )
  const word = (value: string): string => value.padStart(64, '0')
  const transaction =
    token === undefined
      ? { from, to, value: `0x${amountWei.toString(16)}` }
      : { from, to: token, data: `${TRANSFER}${word(to.slice(2))}${word(amountWei.toString(16))}` }
  return String(await asked(name, request({ method: 'eth_sendTransaction', params: [transaction] })))
}

/** What wallets answer with, as EIP-1193, EIP-1474 and EIP-3085 number it, in our words: theirs may be anything, raw answers of contracts included. */
const REFUSALS: ReadonlyMap<unknown, string> = new Map([
  [4001, 'it was declined'],
  [4100, 'it has not allowed this page to ask: connect it to this page, then try again'],
  [4200, 'it cannot do that: use another wallet'],
  [4900, 'it has no connection to any chain: look at its networks, then try again'],
  [4901, 'it has no connection to this chain: look at its networks, then try again'],
  [4902, 'it does not know this chain: add the chain to it, then try again'],
  [-32_000, 'its endpoint refused the transaction: see that its account has the amount, and coins for gas'],
  [-32_002, 'it still waits for an answer to an earlier question: open the wallet and answer there'],
  [-32_003, 'its endpoint refused the transaction: see that its account has the amount, and coins for gas'],
  [-32_005, 'its endpoint is asked too often: try again in a minute'],
  [-32_601, 'it cannot do that: use another wallet'],
  [-32_602, 'it did not understand the question: use another wallet'],
  [-32_603, 'it failed inside: see that its account has the amount, and coins for gas, then try again'],
])

async function asked(name: string, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (cause) {
    const { code } = Object(cause) as { readonly code?: unknown }
    const why = REFUSALS.get(code) ?? 'it gave no reason that this page knows: look into the wallet, then try again'
    throw new CodexError('page/wallet-refused', `${name} did not do that: ${why}`, { cause })
  }
}
