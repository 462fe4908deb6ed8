// The client's corner of a node behind REST: a file sent to it, storage bought for it there, and what became of that.

import { signal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import type { Bytes } from '../src/lib/units.ts'
import type { Corner, OwnFile } from './corner.ts'
import { amount, type Fields, fields, list, number, text } from './documentfields.ts'
import { explain } from './explain.ts'
import type { NodeDoor } from './nodedoor.ts'
import { MAX_LISTED, type Transfer } from './pagestate.ts'
import { ProgressMeter } from './progressmeter.ts'
import { type BoughtRow, isUnplaced } from './purchasewatch.ts'

type KnownSlots = Pick<BoughtRow, 'filled' | 'endsAt'>

/** Looks between two questions to the chain, of the latest purchases that go on. */
const ASK_EVERY = 5
const MAX_ASKED = 5

export class RemoteCorner {
  /** Of the node's store, as far as they can be bought for; undefined until they were asked for. */
  readonly files = signal<readonly OwnFile[] | undefined>(undefined)
  /** CID of the one that was sent last from here. */
  readonly newest = signal<string | undefined>(undefined)
  readonly transfer = signal<Transfer | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  readonly #door: NodeDoor
  readonly #slots = new Map<string, KnownSlots>()
  #cancel: (() => void) | undefined
  #looks = 0

  constructor(door: NodeDoor) {
    this.#door = door
  }

  /** Never rejects. */
  async list(closing: AbortSignal): Promise<void> {
    await this.#trying(closing, async () => {
      const found = fields(await this.#door.ask('/api/codex/v1/data', closing))
      this.files.value = list(found['content']).flatMap(fileIn).slice(0, MAX_LISTED)
    })
  }

  /** Never rejects. */
  async upload(file: File, closing: AbortSignal): Promise<void> {
    const cancelling = new AbortController()
    this.#cancel = () => cancelling.abort(new CodexError('page/cancelled', 'the transfer was cancelled'))
    const meter = new ProgressMeter(file.size)
    const advance = (sentBytes: Bytes): void => {
      // What goes with the file is counted in.
      const done = meter.advance(Math.min(sentBytes, file.size), performance.now())
      this.transfer.value = { what: 'Storing', filename: file.name, totalBytes: file.size, ...done }
    }
    advance(0)
    await this.#trying(AbortSignal.any([closing, cancelling.signal]), async (signal) => {
      const named = new URLSearchParams({ filename: file.name, ...(file.type !== '' && { mimetype: file.type }) })
      const made = fields(await this.#door.send(`datasets?${named}`, file, signal, advance))
      this.newest.value = text(made['cid']) || undefined
    })
    this.transfer.value = undefined
    if (!closing.aborted && this.problem.value === undefined) await this.list(closing)
  }

  cancel(): void {
    this.#cancel?.()
  }

  /** @returns the request's id. Rejects with what the node said */
  async buy([{ cid }, wanted, tell]: Parameters<Corner['buy']>, closing: AbortSignal): Promise<string> {
    const { duration, expiry, nodes, tolerance, pricePerBytePerSecond, collateralPerByte, proofProbability } = wanted
    const document = {
      ...{ duration, expiry, nodes, tolerance },
      pricePerBytePerSecond: String(pricePerBytePerSecond),
      collateralPerByte: String(collateralPerByte),
      proofProbability: String(proofProbability),
    }
    tell(
      'The node protects the file and asks for storage: of a large file that takes minutes, with or without this page.',
    )
    const made = await this.#door.ask(`purchases/${cid}`, closing, { method: 'POST', document, isLong: true })
    return text(fields(made)['requestId'])
  }

  /**
   * Purchases as the page shows them. How many slots have a provider is asked of the chain now and then.
   * @param purchases documents, the latest first @throws CodexError as {@link NodeDoor.ask}
   */
  async watched(purchases: readonly Fields[], isReached: boolean, signal: AbortSignal): Promise<readonly BoughtRow[]> {
    if (isReached && this.#looks++ % ASK_EVERY === 0) await this.#learnSlots(purchases, signal)
    return purchases.map((each) => boughtOf(each, this.#slots.get(text(each['requestId']))))
  }

  async #learnSlots(purchases: readonly Fields[], signal: AbortSignal): Promise<void> {
    const open = purchases
      .map((each) => boughtOf(each, undefined))
      .filter((row) => row.state === 'started' || isUnplaced(row))
    await Promise.all(
      open.slice(0, MAX_ASKED).map(async ({ requestId }) => {
        // What is not told now stays as it was.
        const found = await this.#door.ask(`purchases/${requestId}/slots`, signal).catch(() => undefined)
        if (found === undefined) return
        const { filled, endsAt } = fields(found)
        this.#slots.set(requestId, { filled: number(filled), endsAt: endsAt === null ? undefined : number(endsAt) })
      }),
    )
  }

  async #trying(signal: AbortSignal, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.problem.value = undefined
    try {
      await act(signal)
    } catch (error) {
      this.problem.value = explain(error)
    }
  }
}

function fileIn(entry: unknown): OwnFile[] {
  const { cid, manifest } = fields(entry)
  const { filename, protected: isProtected, datasetSize, blockSize } = fields(manifest)
  if (typeof filename !== 'string' || isProtected !== false || number(blockSize) < 1) return []
  const size = { datasetSize: number(datasetSize), blockSize: number(blockSize) }
  return [{ cid: text(cid), name: filename, manifest: { kind: 'plain', ...size } }]
}

function boughtOf(purchase: Fields, known: KnownSlots | undefined): BoughtRow {
  const ask = fields(fields(purchase['request'])['ask'])
  const { error } = purchase
  return {
    requestId: text(purchase['requestId']) as BoughtRow['requestId'],
    state: text(purchase['state']) as BoughtRow['state'],
    problem: typeof error === 'string' ? error : undefined,
    slots: Number(amount(ask['slots'])),
    filled: known?.filled,
    endsAt: known?.endsAt,
    costWei:
      amount(ask['slots']) * amount(ask['slotSize']) * amount(ask['duration']) * amount(ask['pricePerBytePerSecond']),
  }
}
