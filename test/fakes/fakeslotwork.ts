// SlotWork whose datasets follow from the request: blocks come in pieces and go into a real store, proofs can be checked without a circuit and
// only be made of data that is there. Clients that lie or do not deliver are part of it.

import type { AbortOptions } from '../../src/lib/abort.ts'
import { toHex } from '../../src/lib/bytes.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Bytes, Seconds } from '../../src/lib/units.ts'
import type { Groth16Proof } from '../../src/market/groth16proof.ts'
import type { RequestId, StorageRequest } from '../../src/protocol/request.ts'
import { KeptManifests } from '../../src/sales/keptmanifests.ts'
import type { Reservations } from '../../src/sales/reservations.ts'
import { SETTLING_SECONDS } from '../../src/sales/storedslotwork.ts'
import type { FetchSlotOptions, SlotContent, SlotWork } from '../../src/sales/slotwork.ts'
import type { Hasher } from '../../src/storage/hasher.ts'
import type { RepoStore } from '../../src/storage/repostore.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { seededBytes } from './memorystore.ts'

/** How the client of a request delivers. */
export type Delivery = 'good' | 'lies' | 'stops at 99 %' | 'never' | 'trickles'
/** What goes wrong with one proof; `for ever` settles only by its signal. */
export type ProveFault = { readonly is: 'fails' } | { readonly is: 'takes'; readonly seconds: Seconds }
/** What peers are asked for: of a slot that a host lost, rows of the others. */
export type Asked = 'manifest' | 'blocks' | 'rows'
/** What becomes of one question to the peers: no answer for so long, and it is asked again; one that comes late; an end of it all. */
export type NetFault =
  { readonly is: 'lost' | 'late'; readonly seconds: Seconds } | { readonly is: 'fails'; readonly error: CodexError }

export interface FakeSlotWorkParts {
  readonly repo: Pick<RepoStore, 'put' | 'drop' | 'hasMany' | 'ensureExpiry' | 'parts'>
  readonly reservations: Pick<Reservations, 'put' | 'reservations'>
  readonly hasher: Hasher
  readonly clock: Clock
}

export interface FakeSlotWorkSettings {
  readonly blockBytes: Bytes
  /** Of one piece of the download. */
  readonly pieceSeconds?: Seconds
  readonly proveSeconds?: Seconds
  readonly deliveryOf?: (request: StorageRequest) => Delivery
  readonly proveFault?: () => ProveFault | undefined
  /** Asked before each piece of a download that is not here, as often as one is asked for, and before the manifest of a {@link SlotWork.look}. */
  readonly netFault?: (slot: SlotContent, what: Asked) => NetFault | undefined
  /** Where blocks are remembered between hosts; one for all by default. */
  readonly blocks?: SlotBlocksMemory
}

/** By the name of the slot. */
export type SlotBlocksMemory = Map<string, readonly VerifiedBlock[]>

const PIECES = 4
/** Of a client that trickles. */
const TRICKLE_SECONDS = 3600

export class FakeSlotWork implements SlotWork {
  readonly #parts: FakeSlotWorkParts
  readonly #settings: FakeSlotWorkSettings
  readonly #kept: KeptManifests

  constructor(parts: FakeSlotWorkParts, settings: FakeSlotWorkSettings) {
    this.#parts = parts
    this.#settings = settings
    const { repo, reservations } = parts
    const { datastore, log } = repo.parts
    this.#kept = new KeptManifests({ datastore, reservations, log, remove: async (cid) => void (await repo.drop(cid)) })
  }

  async look(slot: SlotContent, { signal }: AbortOptions): Promise<void> {
    signal.throwIfAborted()
    await this.#reach(slot, 'manifest', signal)
  }

  async *fetch(
    slot: SlotContent,
    { reservation, expiry: end, isRepair, signal }: FetchSlotOptions,
  ): AsyncGenerator<Bytes, void, void> {
    const expiry = end + SETTLING_SECONDS
    const { clock, reservations, hasher, repo } = this.#parts
    const { pieceSeconds = 1, deliveryOf = () => 'good', blockBytes } = this.#settings
    const delivery = deliveryOf(slot.request)
    const blocks = await slotBlocks(hasher, slot, blockBytes, this.#settings.blocks)
    const manifest = await manifestOf(hasher, slot.request)
    await this.#kept.keep(reservation.requestId, manifest, () => repo.put(manifest, { expiry }), { signal })
    const pieceBlocks = Math.max(1, Math.ceil(blocks.length / PIECES))
    let doneBytes = 0
    for (let from = 0; from < blocks.length; from += pieceBlocks) {
      const piece = blocks.slice(from, from + pieceBlocks)
      const isLast = from + pieceBlocks >= blocks.length
      if (delivery === 'never' || (delivery === 'stops at 99 %' && isLast))
        await clock.until(Number.MAX_SAFE_INTEGER, { signal })
      const isHere = !(await repo.hasMany(piece.map(({ cid }) => cid))).includes(false)
      const seconds = delivery === 'trickles' ? TRICKLE_SECONDS : pieceSeconds
      if (!isHere) {
        await this.#reach(slot, isRepair ? 'rows' : 'blocks', signal)
        await clock.until(clock.now() + seconds, { signal })
      }
      const indices = piece.map((_, i) => slot.slotIndex * blocks.length + from + i)
      await reservations.put(reservation.id, piece, { indices, expiry })
      signal.throwIfAborted()
      doneBytes += piece.reduce((bytes, block) => bytes + block.bytes.length, 0)
      yield doneBytes
    }
    if (delivery === 'lies')
      throw new CodexError('slots/wrong-root', 'the tree of the slot has another root than its manifest says')
  }

  async keepUntil(slot: SlotContent, expiry: Seconds, { signal }: AbortOptions): Promise<void> {
    signal.throwIfAborted()
    const { repo, hasher } = this.#parts
    const blocks = await slotBlocks(hasher, slot, this.#settings.blockBytes, this.#settings.blocks)
    await repo.ensureExpiry(
      blocks.map(({ cid }) => cid),
      // As the real one: it is the slot's until its accounts are settled.
      expiry + SETTLING_SECONDS,
    )
  }

  async prove(slot: SlotContent, challenge: string, { signal }: AbortOptions): Promise<Groth16Proof> {
    const { repo, hasher, clock } = this.#parts
    const { proveFault, proveSeconds = 0 } = this.#settings
    const fault = proveFault?.()
    const seconds = fault?.is === 'takes' ? fault.seconds : proveSeconds
    if (seconds > 0) await clock.until(clock.now() + seconds, { signal })
    signal.throwIfAborted()
    if (fault?.is === 'fails') throw new CodexError('proving/failed', 'no proof came out, as the test asked for')
    const blocks = await slotBlocks(hasher, slot, this.#settings.blockBytes, this.#settings.blocks)
    const isHere = await repo.hasMany(blocks.map(({ cid }) => cid))
    if (isHere.includes(false)) throw new CodexError('slots/data-gone', 'blocks of the slot are not in the store')
    return proofFor(slot, challenge)
  }

  /** Settles when an answer of the peers is on its way. */
  async #reach(slot: SlotContent, what: Asked, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for (;;) {
      const fault = this.#settings.netFault?.(slot, what)
      if (fault === undefined) return
      if (fault.is === 'fails') throw fault.error
      await clock.until(clock.now() + fault.seconds, { signal })
      if (fault.is === 'late') return
    }
  }

  letGo(id: RequestId, options: AbortOptions): Promise<void> {
    return this.#kept.letGo(id, options)
  }

  letGoOfEnded(options: AbortOptions): Promise<void> {
    return this.#kept.letGoOfEnded(options)
  }
}

/** Of the block that stands for a manifest. */
export const MANIFEST_BYTES = 512

/** One for all requests of the same content. */
async function manifestOf(hasher: Hasher, { content }: StorageRequest): Promise<VerifiedBlock> {
  const seed = content.cid.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 99)
  const [manifest] = await hashBlocks(hasher, [seededBytes(MANIFEST_BYTES, seed)])
  if (manifest === undefined) throw new Error('a block has its hash')
  return manifest
}

const REMEMBERED: SlotBlocksMemory = new Map()
const MAX_REMEMBERED_SLOTS = 2048

/** The blocks of a slot. Requests for the same content have the same ones. */
export async function slotBlocks(
  hasher: Hasher,
  { request, slotIndex }: SlotContent,
  blockBytes: Bytes,
  remembered: SlotBlocksMemory = REMEMBERED,
): Promise<readonly VerifiedBlock[]> {
  const name = `${toHex(request.content.cid)}/${slotIndex}/${request.ask.slotSize}/${blockBytes}`
  const known = remembered.get(name)
  if (known !== undefined) return known
  const seed = request.content.cid.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7) + slotIndex * 7919
  const count = Number(request.ask.slotSize) / blockBytes
  const bytes = Array.from({ length: count }, (_, i) => seededBytes(blockBytes, seed * 64 + i + 1))
  const blocks = await hashBlocks(hasher, bytes)
  if (remembered.size >= MAX_REMEMBERED_SLOTS) remembered.clear()
  remembered.set(name, blocks)
  return blocks
}

const CHALLENGE_DIGITS = 62

/** A proof that {@link verifies}. */
export function proofFor({ request, slotIndex }: SlotContent, challenge: string): Groth16Proof {
  const inputs = [
    littleEndian(challenge.slice(2, 2 + CHALLENGE_DIGITS)),
    littleEndian(request.content.merkleRoot.slice(2)),
    BigInt(slotIndex),
  ] as const
  const zero = { real: 0n, imag: 0n }
  return { a: { x: inputs[0] + 1n, y: inputs[1] }, b: { x: zero, y: zero }, c: { x: inputs[2], y: 0n } }
}

/** For the fake chain's verifier. */
export function verifies(
  { a, c }: Groth16Proof,
  [challenge = 0n, root = 0n, slotIndex = 0n]: readonly bigint[],
): boolean {
  return a.x === challenge + 1n && a.y === root && c.x === slotIndex
}

function littleEndian(digits: string): bigint {
  return BigInt(`0x${(digits.match(/../g) ?? []).reverse().join('')}`)
}
