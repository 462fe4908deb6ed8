// What the page can do: run one node or watch it, store, show, save, remove, check. It writes what it finds into the page's state; no markup.

import type * as BrowserRoom from '../src/browser.ts'
import type { BrowserOptions, TabNode } from '../src/browser.ts'
import type { Clock } from '../src/lib/clock.ts'
import { CodexError } from '../src/lib/errors.ts'
import { formatBytes } from '../src/lib/format.ts'
import type { Bytes, Seconds } from '../src/lib/units.ts'
import { equalCids } from '../src/protocol/cid.ts'
import { blocksCount, contentBytes } from '../src/protocol/manifest.ts'
import { findDemo, wasSelling } from './demooffer.ts'
import { explain } from './explain.ts'
import { PageChannel, type PageMessage } from './pagechannel.ts'
import type { DamagedEntry, Entry, Transfer } from './pagestate.ts'
import { MAX_LISTED, MAX_SQUARES, PageState } from './pagestate.ts'
import { ProgressMeter } from './progressmeter.ts'
import { type BoughtRow, isUnplaced } from './purchasewatch.ts'
import { readFile } from './readfile.ts'
import type { SellerPicture } from './seller.ts'
import { holdsFilled } from './sellerview.ts'
import { chooseTarget } from './savefile.ts'
import { checkStore, repairStore } from './storagecheck.ts'
import { WatchingTab, type WatchingTabParts } from './watchingtab.ts'

/** Between two signs of life of the tab that runs the node. */
const HERE_SECONDS: Seconds = 3

/** How far a transfer is; of how much, where that was not known beforehand. */
type Advance = (doneBytes: Bytes, totalBytes?: Bytes) => void
/** Loaded after the first picture: the page is there before the node is. */
type NodeRoom = typeof BrowserRoom
type Options = Pick<BrowserOptions, 'name' | 'log'>
type Space = Awaited<ReturnType<TabNode['repo']['space']>>

export class Session {
  readonly state = new PageState()
  readonly #options: Options
  readonly #closing = new AbortController()
  readonly #channel = new PageChannel((message) => this.#hear(message))
  #room: NodeRoom | undefined
  #clock: Clock | undefined
  #node: TabNode | undefined
  /** While another tab runs the node. */
  #watching: WatchingTab | undefined
  #cancelTransfer: (() => void) | undefined
  #holdsSlots = false
  /** Why slots that it holds are not proven; undefined while they are, or there are none. */
  #unproven: string | undefined
  #isLeaving = false
  #sells = false
  #isFetchedFrom = false
  /** A problem that a person has read and put away. */
  #dismissed: string | undefined

  constructor(options: Options) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.state.transfer.value !== undefined
  }

  /** Slots that it has filled need it open: closed, it misses their proofs. Whoever closes one that does not prove them has to know as well. */
  get holdsSlots(): boolean {
    return (this.#holdsSlots || this.#unproven !== undefined) && !this.#isLeaving
  }

  /** Providers of what it bought fetch it from here: closed, the purchase may come to nothing. */
  get isFetchedFrom(): boolean {
    return this.#isFetchedFrom && !this.#closing.signal.aborted
  }

  /** Runs the node, or watches it until the tab that runs it is gone. Settles once this tab leads, or cannot. */
  async run(): Promise<void> {
    const { signal } = this.#closing
    try {
      const room = await import('../src/browser.ts')
      const lost = (error: CodexError): void => this.#fail(error)
      const clock = room.openTabClock()
      const options = { ...this.#options, clock, signal, lost }
      this.#room = room
      this.#clock = clock
      this.#node = await room.openNode(options).catch((error: unknown) => {
        if (!CodexError.is(error, 'node/other-tab')) throw error
        return this.#watchUntilLeading(room, options)
      })
      void this.#tellLife(clock)
      await this.#node.start({ signal })
      this.#forgetOther()
      this.state.role.value = { at: 'leading', blockStorage: room.blockStorageOf(this.#node) }
      await this.#refresh().catch((error: unknown) => {
        // A node with damaged books goes on, so that it can be repaired.
        if (!CodexError.is(error, 'store/corrupted-record')) throw error
        this.state.problem.value = explain(error)
      })
    } catch (error) {
      return this.#fail(error)
    }
    const offer = await findDemo()
    this.state.isAlone.value = offer === undefined
    if (offer !== undefined) this.state.demo.value = { offer, resumes: wasSelling(offer) }
  }

  /** Aborted when the node ends. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** The node and what it was opened with, for what is loaded later. Undefined in a tab that does not run it. */
  get running(): { readonly room: NodeRoom; readonly node: TabNode; readonly clock: Clock } | undefined {
    const [room, node, clock] = [this.#room, this.#node, this.#clock]
    return room && node && clock && { room, node, clock }
  }

  async #watchUntilLeading(room: NodeRoom, options: WatchingTabParts['options']): Promise<TabNode> {
    const viewer = await room.openViewer(options)
    const refresh = () => this.#refresh()
    const watching = new WatchingTab({ room, options, viewer, refresh, state: this.state, channel: this.#channel })
    this.#watching = watching
    try {
      return await watching.untilLeading()
    } finally {
      this.#watching = undefined
      await viewer.close()
    }
  }

  #forgetOther(): void {
    this.state.watched.value = undefined
    this.state.unproven.value = undefined
    this.state.isSilent.value = false
  }

  /** By a clock that goes on in hidden tabs, so that one that is quiet only because nobody looks at it is not taken for a dead one. Never rejects. */
  async #tellLife(clock: Clock): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      this.#sayHere()
      await clock.until(clock.now() + HERE_SECONDS, { signal }).catch(() => undefined)
    }
  }

  #sayHere(): void {
    if (!this.#closing.signal.aborted) this.#channel.say({ says: 'here', sells: this.#sells, unproven: this.#unproven })
  }

  async upload(file: File): Promise<void> {
    const total = this.state.space.value?.totalBytes ?? Infinity
    if (file.size > total) {
      this.state.problem.value = `${file.name} has ${formatBytes(file.size)}, more than the ${formatBytes(total)} this node may store: choose a smaller file.`
      return
    }
    const node = this.#node
    await this.#transferring('Storing', file.name, file.size, async (signal, advance) => {
      if (node === undefined) return
      const progress = ({ storedBytes }: { readonly storedBytes: Bytes }): void => {
        advance(storedBytes)
        void this.#readSpace()
      }
      const names = { filename: file.name, ...(file.type === '' ? {} : { mimetype: file.type }) }
      const { cid, manifest } = await node.datasets.upload(readFile(file), { ...names, signal, progress })
      await this.#show({ cid, manifest })
      this.state.news.value = `${file.name} is stored.`
    })
  }

  /** Shows a dataset's CID and blocks, and until when it is kept. */
  async show(entry: Entry): Promise<void> {
    try {
      await this.#show(entry)
    } catch (error) {
      this.state.problem.value = explain(error)
    }
  }

  async #show({ cid, manifest }: Entry): Promise<void> {
    const blocks = blocksCount(manifest)
    const blocksPerSquare = Math.ceil(blocks / MAX_SQUARES)
    const indices = Array.from({ length: Math.ceil(blocks / blocksPerSquare) }, (_, i) => i * blocksPerSquare)
    const repo = this.#node?.repo
    const leaves = (await repo?.getLeaves(manifest.treeCid, indices)) ?? []
    const squares = leaves.filter((blockCid) => blockCid !== undefined)
    const expiry = await repo?.expiryOf(cid)
    const slots =
      manifest.kind === 'verifiable' ? await this.#node?.slots.show(cid, { signal: this.#closing.signal }) : undefined
    this.state.slots.value = slots && {
      ecK: manifest.kind === 'verifiable' ? manifest.ecK : 0,
      slots: slots.slots.map(({ index, presentBlocks, blocks }) => ({ index, doneBlocks: presentBlocks, blocks })),
      slotBytes: slots.slotBytes,
    }
    this.state.stored.value = { cid, manifest, blocks, squares, blocksPerSquare, expiry }
  }

  /** Cuts a file into `nodes` slots of which `tolerance` may be lost; shows them filling up, then what came of it. */
  async protect(
    entry: Entry,
    { nodes, tolerance }: { readonly nodes: number; readonly tolerance: number },
  ): Promise<void> {
    const node = this.#node
    const { cid, manifest } = entry
    const filename = manifest.filename ?? String(cid)
    const ecK = nodes - tolerance
    await this.#transferring('Protecting', filename, contentBytes(manifest), async (signal, advance) => {
      if (node === undefined) return
      try {
        const made = await node.slots.protect(cid, {
          ecK,
          ecM: tolerance,
          signal,
          progress: ({ doneBytes, totalBytes, slots }) => {
            advance(doneBytes, totalBytes)
            this.state.slots.value = { ecK, slots, slotBytes: undefined }
          },
        })
        await this.#show({ cid: made.verifiableCid, manifest: made.manifest })
        this.state.news.value = `${filename} is protected: ${nodes} slots, any ${tolerance} of which may be lost.`
      } catch (error) {
        this.state.slots.value = undefined
        throw error
      }
    })
  }

  async download({ cid, manifest }: Entry): Promise<void> {
    const node = this.#node
    const totalBytes = contentBytes(manifest)
    const filename = manifest.filename ?? String(cid)
    if (node === undefined || this.isBusy) return
    try {
      // First of all, because a browser lets a page ask for a file only right after a click.
      const target = await chooseTarget({ filename, totalBytes })
      if (target === undefined) return
      await this.#transferring('Saving', filename, totalBytes, async (signal, advance) => {
        await target(node.datasets.read(cid, { signal }), advance)
        this.state.news.value = `${filename} is saved.`
      })
    } catch (error) {
      this.state.problem.value = explain(error)
    }
  }

  async remove({ cid, manifest }: Entry | DamagedEntry): Promise<void> {
    await this.#trying(async () => {
      const outcome = await this.#node?.datasets.remove(cid, { signal: this.#closing.signal })
      if (outcome === undefined) return
      const name = manifest?.filename ?? 'The file'
      if (outcome === 'in use') {
        this.state.problem.value = `${name} is still in use and stays.`
        return
      }
      const { stored } = this.state
      if (stored.value !== undefined && equalCids(stored.value.cid, cid)) stored.value = undefined
      this.state.news.value = outcome === 'removed' ? `${name} is removed.` : `${name} was gone already.`
    })
  }

  /** Reads again what is there: the person may have cleared it elsewhere. What they dismissed is not told again, until it was well in between. */
  async lookAgain(): Promise<void> {
    if (this.isBusy) return
    try {
      await this.#refresh()
      this.#dismissed = undefined
    } catch (error) {
      const problem = explain(error)
      if (this.state.role.value.at !== 'failed' && problem !== this.#dismissed) this.state.problem.value = problem
    }
  }

  /** Reads again how much of the space is taken: slots come and go. What is wrong with it is told by who looks at all of it. */
  async lookAtSpace(): Promise<void> {
    const space = await this.#node?.repo.space().catch(() => undefined)
    const persisted = this.state.space.value?.persisted
    if (space !== undefined && persisted !== undefined) this.#showSpace(space, persisted)
  }

  /** Has the tab that runs the node leave it to this one. */
  takeOver(): void {
    this.state.problem.value = undefined
    if (this.state.role.value.at === 'watching') this.#channel.say({ says: 'let me' })
  }

  /** Tells tabs that watch how this one sells. */
  tellPicture(picture: SellerPicture): void {
    this.#sells = true
    this.#holdsSlots = holdsFilled(picture)
    this.noteBought(picture.bought)
    if (!this.#closing.signal.aborted) this.#channel.say({ says: 'sells', picture })
  }

  /** @param why slots of this tab are not proven; undefined once they are */
  noteUnproven(why: string | undefined): void {
    if (this.#closing.signal.aborted) return
    this.#unproven = why
    this.#sayHere()
  }

  /** As a person asked for with a button: nothing else has to be asked. */
  reload(): void {
    this.#isLeaving = true
    window.location.reload()
  }

  /** @param bought by this tab, as far as it is shown */
  noteBought(bought: readonly BoughtRow[]): void {
    this.#isFetchedFrom = bought.some(isUnplaced)
  }

  /** Has a screen reader say this. */
  say(news: string): void {
    this.state.news.value = news
  }

  cancel(): void {
    this.#cancelTransfer?.()
  }

  dismiss(): void {
    this.#dismissed = this.state.problem.value
    this.state.problem.value = undefined
  }

  async askToPersist(): Promise<void> {
    const granted = (await this.#room?.requestPersistence()) === true
    if (!granted) {
      this.state.news.value = 'The browser did not agree to keep the data.'
      this.state.problem.value =
        'The browser did not agree to keep the data: use this page more often, bookmark or install it, then ask again.'
    }
    try {
      if (granted && this.#node !== undefined) await this.#room?.raiseQuota(this.#node)
      if (granted) this.state.news.value = 'The browser will keep the data.'
      await this.#readSpace()
    } catch (error) {
      this.state.problem.value = explain(error)
    }
  }

  async checkStorage(): Promise<void> {
    await this.#checking('Counting…', checkStore)
  }

  async repairStorage(): Promise<void> {
    await this.#checking('Repairing…', repairStore)
    if (this.state.check.value?.state === 'clean') this.state.problem.value = undefined
    await this.lookAgain()
  }

  async #checking(begins: string, work: typeof checkStore): Promise<void> {
    const { check } = this.state
    if (this.#node === undefined || check.value?.state === 'running') return
    check.value = { state: 'running', lines: [begins] }
    check.value = await work(this.#node, this.#closing.signal)
  }

  /** One transfer at a time: each uses the whole machine anyway. */
  async #transferring(
    what: Transfer['what'],
    filename: string,
    expectedBytes: Bytes,
    work: (signal: AbortSignal, advance: Advance) => Promise<void>,
  ): Promise<void> {
    if (this.isBusy) return
    const controller = new AbortController()
    const cancelled = new CodexError('page/cancelled', 'the transfer was cancelled')
    this.#cancelTransfer = () => controller.abort(cancelled)
    let meter = new ProgressMeter(expectedBytes)
    let totalBytes = expectedBytes
    let quarters = -1
    const advance = (doneBytes: Bytes, allBytes = totalBytes): void => {
      if (allBytes !== totalBytes) meter = new ProgressMeter(allBytes)
      totalBytes = allBytes
      this.state.transfer.value = { what, filename, totalBytes, ...meter.advance(doneBytes, performance.now()) }
      const reached = Math.floor((4 * doneBytes) / Math.max(1, totalBytes))
      // Often enough to know that it goes on, seldom enough to be listened to.
      if (reached > quarters) this.say(`${what} ${filename}: ${25 * reached} %.`)
      quarters = reached
    }
    advance(0)
    await this.#trying(async () => {
      try {
        await work(controller.signal, advance)
      } catch (error) {
        if (error !== cancelled) throw error
        this.state.news.value = `${filename} was cancelled; nothing of it is left.`
      } finally {
        this.#cancelTransfer = undefined
        this.state.transfer.value = undefined
      }
    })
  }

  async #trying(act: () => Promise<void>): Promise<void> {
    this.state.problem.value = undefined
    this.state.check.value = undefined
    try {
      await act()
    } catch (error) {
      this.state.problem.value = explain(error)
    }
    await this.#refresh().catch((error: unknown) => {
      this.state.problem.value ??= explain(error)
    })
  }

  async #refresh(): Promise<void> {
    const source = this.#node?.datasets ?? this.#watching?.viewer
    if (source === undefined) return
    // Books that cannot be read keep nobody from seeing the files.
    const books = await Promise.allSettled([this.#readSpace()])
    const entries: (Entry | DamagedEntry)[] = []
    let hasMore = false
    for await (const entry of source.list({ signal: this.#closing.signal })) {
      hasMore = entries.length === MAX_LISTED
      if (hasMore) break
      entries.push(
        entry.manifest === undefined ? { cid: entry.cid, manifest: undefined, problem: explain(entry.error) } : entry,
      )
    }
    this.state.listing.value = { entries, hasMore }
    for (const outcome of books) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #readSpace(): Promise<void> {
    const source = this.#node?.repo ?? this.#watching?.viewer
    const [space, estimate] = await Promise.all([source?.space(), this.#room?.storageEstimate()])
    if (space === undefined || estimate === undefined) return
    this.#showSpace(space, estimate.persisted)
  }

  #showSpace(space: Space, persisted: boolean): void {
    const {
      quotaUsedBytes: usedBytes,
      quotaReservedBytes: reservedBytes,
      quotaMaxBytes: totalBytes,
      totalBlocks,
    } = space
    this.state.space.value = { usedBytes, reservedBytes, totalBytes, blocks: totalBlocks, persisted }
  }

  #hear(message: PageMessage): void {
    const { at } = this.state.role.value
    if (at === 'watching') this.#watching?.hear(message)
    if (at === 'leading' && message.says === 'who') this.#sayHere()
    if (at === 'leading' && message.says === 'let me') void this.#leave()
  }

  /** Another tab goes on with the node, this one watches. */
  async #leave(): Promise<void> {
    if (this.isBusy) return this.#channel.say({ says: 'busy' })
    this.state.role.value = { at: 'opening' }
    this.state.isAlone.value = false
    this.#closing.abort(new CodexError('page/left', 'another tab of this browser runs the node now'))
    await this.#node?.stop()
    this.reload()
  }

  /** The node cannot go on in this tab; the lock goes to the next one. */
  #fail(error: unknown): void {
    const problem = explain(error)
    this.state.role.value = { at: 'failed', problem }
    if (this.holdsSlots) void tellStopped(problem)
    this.state.stored.value = undefined
    this.state.demo.value = undefined
    this.state.isAlone.value = false
    this.#closing.abort(error)
    this.#channel.close()
    void this.#node?.stop()
  }
}

/** Never rejects: what tells of slots is loaded by the time that there are any. */
async function tellStopped(problem: string): Promise<void> {
  const body = `This tab has stopped, and its slots are not proven any more. ${problem}`
  const { signal: never } = new AbortController()
  await import('./notices.ts').then(
    ({ tellUnproven }) => tellUnproven({ title: 'Not proving', body }, never),
    () => undefined,
  )
}
