// What becomes of purchases, written down while it happens: which slot was where when, what was proven, what was paid. It watches and does nothing.

import type { NodejsNode } from '../nodejs.ts'

export interface SlotDiary {
  readonly index: number
  readonly host: string
  /** Names as people and REST see them; chain seconds. */
  readonly phases: readonly { readonly name: string; readonly at: number }[]
  readonly proofs: { readonly submitted: number; readonly missed: number }
  /** In token base units; 0 before the end. */
  readonly payoutWei: string
}

interface Page {
  readonly requestId: string
  readonly index: number
  readonly phases: { readonly name: string; readonly at: number }[]
  submitted: number
  missed: number
  payoutWei: bigint
}

/** Something to tell a person about a slot. */
export type TellSlot = (slotIndex: number, what: string) => void

export class PurchaseDiary {
  readonly #host: string
  readonly #pages = new Map<string, Page>()

  /** @param provider is listened to until `signal` aborts */
  constructor(provider: NodejsNode, tell: TellSlot, { signal }: { readonly signal: AbortSignal }) {
    this.#host = provider.trade?.market.host ?? ''
    const { events } = provider
    events.addEventListener(
      'sale',
      ({ detail }) => {
        const { phases } = this.#page(detail)
        if (phases.at(-1)?.name === detail.state) return
        phases.push({ name: detail.state, at: detail.since })
        tell(detail.slotIndex, detail.why === undefined ? detail.state : `${detail.state}: ${detail.why}`)
      },
      { signal },
    )
    events.addEventListener(
      'proof',
      ({ detail: { sale, result } }) => {
        const page = this.#page(sale)
        page.submitted = sale.proven
        page.missed = sale.missed
        const period = sale.phase?.at === 'proving' ? ` of period ${sale.phase.period}` : ''
        tell(sale.slotIndex, result === 'submitted' ? `proof${period} is in the chain` : `proof${period} was MISSED`)
      },
      { signal },
    )
    events.addEventListener(
      'earning',
      ({ detail }) => {
        this.#page(detail).payoutWei += detail.reward
        tell(detail.slotIndex, `paid ${detail.reward} wei`)
      },
      { signal },
    )
  }

  slotsOf(requestId: string): SlotDiary[] {
    return [...this.#pages.values()]
      .filter((page) => page.requestId === requestId)
      .sort((a, b) => a.index - b.index)
      .map(({ index, phases, submitted, missed, payoutWei }) => ({
        index,
        host: this.#host,
        phases,
        proofs: { submitted, missed },
        payoutWei: String(payoutWei),
      }))
  }

  #page({ requestId, slotIndex: index }: { readonly requestId: string; readonly slotIndex: number }): Page {
    const key = `${requestId} ${index}`
    const page = this.#pages.get(key) ?? { requestId, index, phases: [], submitted: 0, missed: 0, payoutWei: 0n }
    this.#pages.set(key, page)
    return page
  }
}
