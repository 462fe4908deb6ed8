// What tabs of this page say to each other: the one that runs the node shows how it sells, one that watches asks to run it. Who runs it is decided by the
// lock, not here.

import type { SellerPicture } from './seller.ts'

export type PageMessage =
  | { readonly says: 'sells'; readonly picture: SellerPicture }
  /** Every few seconds, of the tab that runs the node: whether it sells, and why slots of it are not proven. */
  | { readonly says: 'here'; readonly sells: boolean; readonly unproven: string | undefined }
  /** Of a tab that begins to watch. */
  | { readonly says: 'who' }
  /** Of a tab that watches and wants to run the node: others that wait for it step back behind that one. */
  | { readonly says: 'let me' }
  /** The answer, when this is no moment for it. */
  | { readonly says: 'busy' }

const NAME = 'codex-light/page'
const KINDS: ReadonlySet<unknown> = new Set<PageMessage['says']>(['sells', 'here', 'who', 'let me', 'busy'])

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
