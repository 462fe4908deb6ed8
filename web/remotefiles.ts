// The files of a node behind REST: listed, sent to it, saved from it, removed there.

import { signal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import type { Bytes } from '../src/lib/units.ts'
import { parseCid } from '../src/protocol/cid.ts'
import { contentBytes } from '../src/protocol/manifest.ts'
import { decodeManifest } from '../src/protocol/manifestcodec.ts'
import { fields, text } from './documentfields.ts'
import { explain } from './explain.ts'
import type { NodeDoor } from './nodedoor.ts'
import { type DamagedEntry, type Entry, type Listing, MAX_LISTED, type Transfer } from './pagestate.ts'
import { ProgressMeter } from './progressmeter.ts'
import { chooseTarget } from './savefile.ts'

export class RemoteFiles {
  /** Undefined until they were asked for. */
  readonly listing = signal<Listing | undefined>(undefined)
  /** CID of the one that was sent last from here. */
  readonly newest = signal<string | undefined>(undefined)
  readonly transfer = signal<Transfer | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  readonly #door: NodeDoor
  #cancel: (() => void) | undefined

  constructor(door: NodeDoor) {
    this.#door = door
  }

  /** Never rejects. */
  async list(closing: AbortSignal): Promise<void> {
    await this.#trying(() => this.#list(closing))
  }

  /** Never rejects. */
  async upload(file: File, closing: AbortSignal): Promise<void> {
    const named = new URLSearchParams({ filename: file.name, ...(file.type !== '' && { mimetype: file.type }) })
    await this.#transferring('Storing', file.name, file.size, closing, async (signal, advance) => {
      // What goes with the file is counted in.
      const progress = (sentBytes: Bytes): void => advance(Math.min(sentBytes, file.size))
      const made = fields(await this.#door.send(`datasets?${named}`, file, signal, progress))
      this.newest.value = text(made['cid']) || undefined
    })
    await this.#listAgain(closing)
  }

  /** Never rejects. Call it in a click: the browser asks where to put the file. */
  async save({ cid, manifest }: Entry, closing: AbortSignal): Promise<void> {
    const filename = manifest.filename ?? String(cid)
    const totalBytes = contentBytes(manifest)
    await this.#trying(async () => {
      const target = await chooseTarget({ filename, totalBytes })
      if (target === undefined) return
      await this.#transferring('Saving', filename, totalBytes, closing, (signal, advance) =>
        target(this.#whole(cid, totalBytes, signal), advance),
      )
    })
  }

  /** Never rejects. */
  async remove({ cid, manifest }: Entry | DamagedEntry, closing: AbortSignal): Promise<void> {
    await this.#trying(async () => {
      const { outcome } = fields(await this.#door.ask(`datasets/${cid}`, closing, { method: 'DELETE', isLong: true }))
      if (outcome === 'in use')
        this.problem.value = `${manifest?.filename ?? 'The file'} is still in use on this node and stays.`
    })
    await this.#listAgain(closing)
  }

  cancel(): void {
    this.#cancel?.()
  }

  /** An answer that ends early looks like one that is over: the file must not. */
  async *#whole(cid: Entry['cid'], totalBytes: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    let doneBytes = 0
    for await (const piece of this.#door.content(`datasets/${cid}/content`, signal)) {
      doneBytes += piece.length
      yield piece
    }
    if (doneBytes !== totalBytes)
      throw new CodexError('page/node-gone', `the node sent ${doneBytes} of ${totalBytes} bytes: save the file again`)
  }

  async #transferring(
    what: Transfer['what'],
    filename: string,
    totalBytes: Bytes,
    closing: AbortSignal,
    work: (signal: AbortSignal, advance: (doneBytes: Bytes) => void) => Promise<void>,
  ): Promise<void> {
    if (this.transfer.value !== undefined) return
    const cancelling = new AbortController()
    const cancelled = new CodexError('page/cancelled', 'the transfer was cancelled')
    this.#cancel = () => cancelling.abort(cancelled)
    const meter = new ProgressMeter(totalBytes)
    const advance = (doneBytes: Bytes): void => {
      this.transfer.value = { what, filename, totalBytes, ...meter.advance(doneBytes, performance.now()) }
    }
    advance(0)
    await this.#trying(async () => {
      try {
        await work(AbortSignal.any([closing, cancelling.signal]), advance)
      } catch (error) {
        if (error !== cancelled) throw error
      }
    })
    this.#cancel = undefined
    this.transfer.value = undefined
  }

  /** What went wrong before stays to be read. */
  async #listAgain(closing: AbortSignal): Promise<void> {
    await this.#list(closing).catch((error: unknown) => {
      this.problem.value ??= explain(error)
    })
  }

  async #list(closing: AbortSignal): Promise<void> {
    const entries: (Entry | DamagedEntry)[] = []
    let hasMore = false
    for await (const line of this.#door.documents('datasets', closing)) {
      hasMore = entries.length === MAX_LISTED
      if (hasMore) break
      entries.push(entryIn(line))
    }
    this.listing.value = { entries, hasMore }
  }

  async #trying(act: () => Promise<void>): Promise<void> {
    this.problem.value = undefined
    try {
      await act()
    } catch (error) {
      this.problem.value = explain(error)
    }
  }
}

/** @throws CodexError as `parseCid` and `decodeManifest`: the node is of a release that says it otherwise */
function entryIn(line: unknown): Entry | DamagedEntry {
  const { cid, manifest, error } = fields(line)
  const { code, title } = fields(error)
  const entry = { cid: parseCid(text(cid)) }
  if (typeof manifest !== 'string') {
    const known = new CodexError(text(code) || 'page/node-refused', text(title) || 'what describes this file is lost')
    return { ...entry, manifest: undefined, problem: explain(known) }
  }
  return { ...entry, manifest: decodeManifest(Uint8Array.from(atob(manifest), (each) => each.charCodeAt(0))) }
}
