// The client's corner of a node behind REST: storage bought there for a file of its store, and what became of that.

import type { Corner } from './corner.ts'
import { amount, type Fields, fields, number, text } from './documentfields.ts'
import type { NodeDoor } from './nodedoor.ts'
import { type BoughtRow, isUnplaced } from './purchasewatch.ts'

type KnownSlots = Pick<BoughtRow, 'filled' | 'endsAt'>

/** Looks between two questions to the chain, of the latest purchases that go on. */
const ASK_EVERY = 5
const MAX_ASKED = 5

export class RemoteCorner {
  readonly #door: NodeDoor
  readonly #slots = new Map<string, KnownSlots>()
  #looks = 0

  constructor(door: NodeDoor) {
    this.#door = door
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
        this.#slots.set(requestId, { filled: numberOrNone(filled), endsAt: numberOrNone(endsAt) })
      }),
    )
  }
}

function numberOrNone(found: unknown): number | undefined {
  return found === null ? undefined : number(found)
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
