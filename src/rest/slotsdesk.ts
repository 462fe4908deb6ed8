// What people and programs ask of the slots in a store, each answered with one document of plain data: the same whether a verb opened the folder itself or a
// running node is asked. What slots are is the node's business; how a document travels is slotroutes.ts'.

import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import { type NodejsNode, type ProofInputsDocument, proofInputsDocument } from '../nodejs.ts'
import type { Cid } from '../protocol/cid.ts'

type NodeSlots = NodejsNode['slots']
type NodeProgress = Parameters<NonNullable<Parameters<NodeSlots['build']>[1]['progress']>>[0]

export type SlotsStage = NodeProgress['stage']

/** How far work is. */
export interface SlotsState {
  readonly stage: SlotsStage
  readonly doneBytes: Bytes
  readonly totalBytes: Bytes
}

export interface SlotsJob extends AbortOptions {
  readonly progress: (state: SlotsState) => void
}

/** Roots in decimal, `merkleRoot` in 0x-hex as a storage request has it, `slotSize` in bytes as it counts them. */
export interface ProtectedDocument {
  readonly cid: string
  readonly plainCid: string
  readonly protectedCid: string
  readonly nodes: number
  readonly tolerance: number
  readonly slotSize: Bytes
  readonly datasetRoot: string
  readonly merkleRoot: string
  readonly slotRoots: readonly string[]
}

export interface BuiltDocument {
  readonly cid: string
  readonly slots: readonly { readonly index: number; readonly root: string }[]
  /** Of a whole dataset, as the next. */
  readonly datasetRoot?: string
  readonly merkleRoot?: string
}

export interface VerifiedDocument {
  readonly cid: string
  readonly slots: Awaited<ReturnType<NodeSlots['verify']>>
}

export interface RepairedDocument {
  readonly cid: string
  readonly slots: readonly { readonly index: number; readonly blocks: number; readonly rebuiltBlocks: number }[]
}

export interface SlotsRow {
  readonly cid: string
  readonly nodes: number
  readonly tolerance: number
  readonly slotSize: Bytes
  readonly wholeSlots: number
  readonly filename: string | null
}

export interface ShownSlot {
  readonly index: number
  readonly kind: 'data' | 'parity'
  readonly blocks: number
  readonly presentBlocks: number
  readonly hasTree: boolean
  readonly root: string
}

export interface ShownDocument extends Omit<SlotsRow, 'wholeSlots' | 'filename'> {
  readonly datasetRoot: string
  readonly merkleRoot: string
  readonly slots: readonly ShownSlot[]
}

/** All reject with what the node throws, or the signal's reason. An `index` that is left out means all slots. */
export interface SlotsDesk {
  /** @throws CodexError `rest/bad-code` also */
  protect(
    cid: Cid,
    code: { readonly nodes: number; readonly tolerance: number },
    job: SlotsJob,
  ): Promise<ProtectedDocument>
  build(cid: Cid, index: number | undefined, job: SlotsJob): Promise<BuiltDocument>
  verify(cid: Cid, index: number | undefined, job: SlotsJob): Promise<VerifiedDocument>
  repair(cid: Cid, index: number | undefined, job: SlotsJob): Promise<RepairedDocument>
  list(options: AbortOptions): AsyncIterable<SlotsRow>
  show(cid: Cid, options: AbortOptions): Promise<ShownDocument>
  proofInput(cid: Cid, index: number, challenge: string, options: AbortOptions): Promise<ProofInputsDocument>
}

/** Over a node of this process. */
export function slotsDesk({ slots, datasets }: Pick<NodejsNode, 'slots' | 'datasets'>): SlotsDesk {
  return {
    async protect(cid, { nodes, tolerance }, { signal, progress }) {
      if (tolerance < 1 || 2 * tolerance > nodes)
        throw new CodexError(
          'rest/bad-code',
          `expected a tolerance of at least 1 and at most half of the nodes, found ${tolerance} of ${nodes}`,
          { detail: { nodes, tolerance } },
        )
      const made = await slots.protect(cid, { signal, progress, ecK: nodes - tolerance, ecM: tolerance })
      const { slotBytes } = await slots.show(made.verifiableCid, { signal })
      return {
        cid: String(made.verifiableCid),
        plainCid: String(made.plainCid),
        protectedCid: String(made.protectedCid),
        nodes,
        tolerance,
        slotSize: slotBytes,
        datasetRoot: String(made.datasetRoot),
        merkleRoot: merkleRootOf(made),
        slotRoots: made.slotRoots.map(String),
      }
    },
    async build(cid, index, { signal, progress }) {
      if (index !== undefined) return buildOne(cid, index, { signal, progress })
      const built = await slots.build(cid, { signal, progress })
      return {
        cid: String(built.verifiableCid),
        slots: built.slotRoots.map((root, i) => ({ index: i, root: String(root) })),
        datasetRoot: String(built.datasetRoot),
        merkleRoot: merkleRootOf(built),
      }
    },
    async verify(cid, index, { signal, progress }) {
      return { cid: String(cid), slots: await slots.verify(cid, { signal, progress, index }) }
    },
    async repair(cid, wanted, { signal, progress }) {
      const { slots: known } = await slots.show(cid, { signal })
      const repaired: RepairedDocument['slots'][number][] = []
      for (const index of wanted === undefined ? known.map((slot) => slot.index) : [wanted]) {
        const { blocks, rebuiltBlocks } = await slots.repair(cid, index, { signal, progress })
        repaired.push({ index, blocks, rebuiltBlocks })
      }
      return { cid: String(cid), slots: repaired }
    },
    async *list(options) {
      for await (const entry of slots.list(options)) yield rowOf(entry)
    },
    show: async (cid, options) => shownOf(await slots.show(cid, options)),
    async proofInput(cid, index, challenge, { signal }) {
      const inputs = await slots.proofInputs(cid, index, challenge, { signal, rank: 'sale' })
      return proofInputsDocument(inputs)
    },
  }

  async function buildOne(cid: Cid, index: number, { signal, progress }: SlotsJob): Promise<BuiltDocument> {
    const manifest = await datasets.manifest(cid)
    if (manifest.kind !== 'verifiable')
      throw new CodexError(
        'slots/not-verifiable',
        `dataset ${cid} has no slot roots yet, so that one slot alone cannot be checked: build all of them, without INDEX`,
        { detail: { cid: String(cid) } },
      )
    const { root } = await slots.buildSlot(manifest, index, { signal, progress })
    return { cid: String(cid), slots: [{ index, root: String(root) }] }
  }
}

type Entry = Awaited<ReturnType<NodeSlots['show']>>

function rowOf(entry: Entry): SlotsRow {
  const { cid, manifest, slots, slotBytes } = entry
  return {
    cid: String(cid),
    nodes: slots.length,
    tolerance: manifest.ecM,
    slotSize: slotBytes,
    wholeSlots: slots.filter(({ presentBlocks, blocks }) => presentBlocks === blocks).length,
    filename: manifest.filename ?? null,
  }
}

function shownOf(entry: Entry): ShownDocument {
  const { manifest, datasetRoot, slots } = entry
  const { wholeSlots: _, filename: __, ...row } = rowOf(entry)
  return {
    ...row,
    datasetRoot: String(datasetRoot),
    merkleRoot: merkleRootOf(entry),
    slots: slots.map(({ index, root, blocks, presentBlocks, hasTree }) => ({
      index,
      kind: index < manifest.ecK ? 'data' : 'parity',
      blocks,
      presentBlocks,
      hasTree,
      root: String(root),
    })),
  }
}

function merkleRootOf({ manifest }: { readonly manifest: Entry['manifest'] }): string {
  return `0x${toHex(manifest.verifyRoot.digest)}`
}
