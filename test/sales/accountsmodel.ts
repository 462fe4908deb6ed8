// The accounting of sales as a page of plain code: what reservations.ts is held against. Sums are made anew each time, nothing is clever.

import type { Availability } from '../../src/sales/availability.ts'
import { matches } from '../../src/sales/availability.ts'
import type { SlotTaking } from '../../src/sales/takeslot.ts'

export type Terms = Omit<Availability, 'freeSize' | 'totalRemainingCollateral'>

export interface ModelSlot {
  readonly availability: string
  readonly slotBytes: number
  readonly collateral: bigint
  size: number
  /** Block by index. */
  readonly leaves: Map<number, string>
}

export class AccountsModel {
  readonly terms = new Map<string, Terms>()
  readonly slots = new Map<string, ModelSlot>()
  readonly quota: number
  readonly sizeOf: (block: string) => number

  constructor(quota: number, sizeOf: (block: string) => number) {
    this.quota = quota
    this.sizeOf = sizeOf
  }

  copy(): AccountsModel {
    const copy = new AccountsModel(this.quota, this.sizeOf)
    for (const [id, terms] of this.terms) copy.terms.set(id, terms)
    for (const [name, slot] of this.slots) copy.slots.set(name, { ...slot, leaves: new Map(slot.leaves) })
    return copy
  }

  availability(id: string): Availability {
    const terms = this.terms.get(id) as Terms
    const own = [...this.slots.values()].filter(({ availability }) => availability === id)
    const freeSize = own.reduce((free, { slotBytes }) => free - slotBytes, terms.totalSize)
    const remaining = own.reduce((left, { collateral }) => left - collateral, terms.totalCollateral)
    return { ...terms, freeSize, totalRemainingCollateral: remaining }
  }

  get availabilities(): Availability[] {
    return [...this.terms.keys()].map((id) => this.availability(id))
  }

  get used(): number {
    const blocks = new Set([...this.slots.values()].flatMap(({ leaves }) => [...leaves.values()]))
    return [...blocks].reduce((sum, block) => sum + this.sizeOf(block), 0)
  }

  get reserved(): number {
    const free = this.availabilities.reduce((sum, { freeSize }) => sum + freeSize, 0)
    return [...this.slots.values()].reduce((sum, { size }) => sum + size, free)
  }

  get room(): number {
    return this.quota - this.used - this.reserved
  }

  create(terms: Terms): boolean {
    if (terms.totalSize > this.room) return false
    this.terms.set(terms.id, terms)
    return true
  }

  change(id: string, changes: Partial<Terms>): boolean {
    const before = this.availability(id)
    const after = { ...(this.terms.get(id) as Terms), ...changes }
    if (after.totalSize - before.totalSize > this.room) return false
    if (after.totalSize < before.totalSize - before.freeSize) return false
    if (after.totalCollateral < before.totalCollateral - before.totalRemainingCollateral) return false
    this.terms.set(id, after)
    return true
  }

  delete(id: string): boolean {
    if ([...this.slots.values()].some(({ availability }) => availability === id)) return false
    return this.terms.delete(id)
  }

  reserve(name: string, wanted: SlotTaking): boolean {
    const [best] = this.availabilities
      .filter((each) => matches(each, wanted))
      .sort((a, b) => a.freeSize - b.freeSize || (a.id < b.id ? -1 : 1))
    if (best === undefined) return false
    const slotBytes = Number(wanted.slotSize)
    const collateral = wanted.slotSize * wanted.collateralPerByte
    this.slots.set(name, { availability: best.id, slotBytes, collateral, size: slotBytes, leaves: new Map() })
    return true
  }

  put(name: string, blocks: readonly (readonly [index: number, block: string])[]): boolean {
    const slot = this.slots.get(name) as ModelSlot
    const used = this.used
    const before = new Map(slot.leaves)
    for (const [index, block] of blocks) if (!slot.leaves.has(index)) slot.leaves.set(index, block)
    const added = this.used - used
    if (added > slot.size) {
      slot.leaves.clear()
      for (const [index, block] of before) slot.leaves.set(index, block)
      return false
    }
    slot.size -= added
    return true
  }

  settle(name: string, due: bigint): boolean {
    const slot = this.slots.get(name) as ModelSlot
    const terms = this.terms.get(slot.availability) as Terms
    slot.leaves.clear()
    // What the blocks left behind is room by now; what is missing beyond that is lost.
    const lost = Math.max(0, slot.slotBytes - slot.size - this.room)
    this.slots.delete(name)
    this.terms.set(terms.id, {
      ...terms,
      totalSize: terms.totalSize - lost,
      totalCollateral: terms.totalCollateral - (slot.collateral - due),
    })
    return true
  }
}
