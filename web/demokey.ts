// The key of this browser in a demo: made once, kept among the node's records, given play money. Every browser has one of its own, because two that send
// with one key take each other's nonces.

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import type { DemoOffer } from './demooffer.ts'
import { askDemo } from './demooffer.ts'

type Keys = Awaited<ReturnType<(typeof BrowserRoom)['openKeys']>>

/** No secret, and quickly tried: what it guards is worth nothing. */
const PASSWORD = 'demo'
const SCRYPT_N = 1024

/** @throws CodexError `page/no-request` when the demo gives no money, and as a datastore may fail */
export async function demoKey(
  room: Pick<typeof BrowserRoom, 'openKeys'>,
  node: TabNode,
  { id }: DemoOffer,
): Promise<ReturnType<Keys['generate']>> {
  const keys = await room.openKeys(node)
  const place = keys.place(`demo-${id}`)
  const kept = await place.read()
  const key = kept === undefined ? keys.generate() : await keys.unlock(kept, PASSWORD)
  if (kept === undefined) await place.write(await keys.lock(key, PASSWORD, SCRYPT_N))
  await askDemo('fund', key.address)
  return key
}
