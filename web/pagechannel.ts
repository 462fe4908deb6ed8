// What tabs of this page say to each other: the one that runs the node shows how it sells, one that watches asks to run it. Who runs it is decided by the
// lock, not here.

import type { SellerPicture } from './seller.ts'

export type PageMessage =
  | { readonly says: 'sells'; readonly picture: SellerPicture }
  /** Of a tab that watches and wants to run the node. */
  | { readonly says: 'let me' }
  /** The answer, when this is no moment for it. */
  | { readonly says: 'busy' }

const NAME = 'codex-light/page'
const KINDS = new Set<unknown>(['sells', 'let me', 'busy'])

export class PageChannel {
  readonly #channel = new BroadcastChannel(NAME)

  /** @param heard what others say, never what this tab does */
  constructor(heard: (message: PageMessage) => void) {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<PageMessage>) => {
      if (KINDS.has((Object(data) as Partial<PageMessage>).says)) heard(data)
    })
  }

  say(message: PageMessage): void {
    this.#channel.postMessage(message)
  }

  close(): void {
    this.#channel.close()
  }
}
