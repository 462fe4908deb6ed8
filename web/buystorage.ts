// Buying for a file of this tab: what it may be bought for, that the key can pay, then the request. No markup.

import { formatAmount } from '../src/lib/formatamount.ts'
import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { type Cid, parseCid } from '../src/protocol/cid.ts'
import type { Manifest } from '../src/protocol/manifest.ts'
import { quote } from '../src/protocol/purchasequote.ts'
import type { Corner, OwnFile } from './corner.ts'

/** Of each file once: what was made of it for slots is listed too. */
export function ownFiles(
  stored: readonly { readonly cid: Cid; readonly manifest: Manifest | undefined }[],
): readonly OwnFile[] {
  return stored.flatMap(({ cid, manifest }) =>
    manifest?.kind === 'plain' && manifest.filename !== undefined
      ? [{ cid: String(cid), name: manifest.filename, manifest }]
      : [],
  )
}

/** Undefined where the page shows none, or one that was made of a file. */
export function newestOf(stored: { readonly cid: Cid; readonly manifest: Manifest } | undefined): string | undefined {
  return stored?.manifest.kind === 'plain' ? String(stored.cid) : undefined
}

/** @returns the request's id @throws CodexError `page/too-few-tokens`, `page/not-selling`, and as `Client.buy` */
export async function buyStorage(
  trade: TabNode['trade'],
  [{ cid, manifest }, wanted, tell]: Parameters<Corner['buy']>,
  signal: AbortSignal,
): Promise<string> {
  const { client, market } = trade ?? {}
  if (client === undefined || market === undefined)
    throw new CodexError('page/not-selling', 'this tab does not trade; reload the page')
  const price = quote(manifest, wanted)?.price ?? 0n
  const tokens = await market.tokenBalance({ signal })
  if (tokens < price)
    throw new CodexError(
      'page/too-few-tokens',
      `this costs ${formatAmount(price)}, and the key ${market.host} has ${formatAmount(tokens)}: send it tokens, or buy for a shorter time or a lower price`,
    )
  tell('Protecting the file…')
  const { id } = await client.buy(parseCid(cid), wanted, {
    signal,
    progress: ({ doneBytes, totalBytes }) =>
      tell(`Protecting the file: ${Math.floor((100 * doneBytes) / Math.max(1, totalBytes))} %`),
  })
  return id
}
