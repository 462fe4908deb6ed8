// What the page knows, as signals that its parts are drawn from. Only session.ts writes them.

import { signal } from '@preact/signals'

import type { BlockStorage } from '../src/browser.ts'
import type { Bytes, Seconds } from '../src/lib/units.ts'
import type { Cid } from '../src/protocol/cid.ts'
import type { Manifest } from '../src/protocol/manifest.ts'
import type { DemoOffer } from './demooffer.ts'
import type { SellerPicture } from './seller.ts'

/** Datasets shown at most; the page says when there are more. */
export const MAX_LISTED = 200
/** Squares in the picture of a file's blocks; of a larger file each stands for several. */
export const MAX_SQUARES = 240

export type Role =
  | { readonly at: 'opening' | 'watching' }
  | { readonly at: 'leading'; readonly blockStorage: BlockStorage }
  | { readonly at: 'failed'; readonly problem: string }

export interface Entry {
  readonly cid: Cid
  readonly manifest: Manifest
}

/** A file of which the store no longer knows what it is; `problem` says why, in a sentence. */
export interface DamagedEntry {
  readonly cid: Cid
  readonly manifest: undefined
  readonly problem: string
}

export interface Listing {
  readonly entries: readonly (Entry | DamagedEntry)[]
  readonly hasMore: boolean
}

/** A file on its way in or out. */
export interface Transfer {
  readonly what: 'Storing' | 'Saving' | 'Protecting'
  readonly filename: string
  readonly totalBytes: Bytes
  readonly doneBytes: Bytes
  readonly bytesPerSecond: number
  readonly secondsLeft: number | undefined
}

/** The last file stored, as the page shows it. */
export interface Stored extends Entry {
  readonly blocks: number
  /** CIDs of the first block behind each square. */
  readonly squares: readonly Cid[]
  readonly blocksPerSquare: number
  /** Until then it is kept at least. */
  readonly expiry: Seconds | undefined
}

/** The slots of the file shown, as far as they are hashed, or here. */
export interface SlotPicture {
  readonly ecK: number
  readonly slots: readonly { readonly index: number; readonly doneBlocks: number; readonly blocks: number }[]
  /** What each takes of a provider; unknown while they are made. */
  readonly slotBytes: Bytes | undefined
}

export interface SpaceFacts {
  readonly usedBytes: Bytes
  readonly reservedBytes: Bytes
  readonly totalBytes: Bytes
  readonly blocks: number
  readonly persisted: boolean
}

export interface Check {
  readonly state: 'running' | 'clean' | 'problems' | 'failed'
  readonly lines: readonly string[]
}

export class PageState {
  readonly role = signal<Role>({ at: 'opening' })
  readonly listing = signal<Listing>({ entries: [], hasMore: false })
  readonly space = signal<SpaceFacts | undefined>(undefined)
  readonly transfer = signal<Transfer | undefined>(undefined)
  readonly stored = signal<Stored | undefined>(undefined)
  /** Of the file stored last, once it has some. */
  readonly slots = signal<SlotPicture | undefined>(undefined)
  /** What went wrong last, in a sentence that says what to do. */
  readonly problem = signal<string | undefined>(undefined)
  readonly check = signal<Check | undefined>(undefined)
  /** The demo that serves this page; `resumes`: this browser was selling there. */
  readonly demo = signal<{ readonly offer: DemoOffer; readonly resumes: boolean } | undefined>(undefined)
  /** No demo serves this page, and this tab runs the node. */
  readonly isAlone = signal(false)
  /** What this tab does in the marketplace: one or the other until it is loaded anew. Who sells buys, too. */
  readonly trades = signal<'sells' | 'buys' | undefined>(undefined)
  /** How the tab that runs the node sells, as it said last. */
  readonly watched = signal<SellerPicture | undefined>(undefined)
  /** Why slots of the tab that runs the node are not proven, as it said last; undefined while they are, or there are none. */
  readonly unproven = signal<string | undefined>(undefined)
  /** Whether the tab that runs the node has said nothing for longer than it should. */
  readonly isSilent = signal(false)
  /** What a screen reader should say next. */
  readonly news = signal('')
}
