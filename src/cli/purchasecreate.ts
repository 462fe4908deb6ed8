// purchase create CID: buys storage for a dataset.

import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatDuration } from '../lib/format.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { quote, type QuoteTerms } from '../protocol/purchasequote.ts'
import { askNode, runningNode } from './asknode.ts'
import { perByte, price, tokens, tokenText } from './marketunits.ts'
import { DEFAULT_STALL_SECONDS } from './nodeaccess.ts'
import { count, duration, required } from './option.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { readCid } from './readcid.ts'
import { table } from './table.ts'
import { type Call, defineVerb } from './verb.ts'

const DEFAULT_NODES = 3
const DEFAULT_TOLERANCE = 1
const DEFAULT_PROOF_PROBABILITY = 100

export const purchaseCreate = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about: `Has the running node ask the market to store the dataset CID: brings it here if need be, adds parity, cuts it into slots, one for each
of --nodes, and pays the whole price into the contract. What is not used of it comes back at the end; all of it if not every slot is filled
before --expiry. What it costs in all is told on stderr before anything is paid. Answers as soon as the request is on record; purchase show tells what becomes of it.`,
  options: {
    duration: required(duration('how long it is to be stored')),
    expiry: duration('by when every slot must be filled; an hour, or half of the duration, without it'),
    price: required(price('offered')),
    collateral: required(perByte('what hosts put at stake')),
    'max-total': tokens('ask for nothing that costs more than this'),
    nodes: count(`slots in all; ${DEFAULT_NODES} without it`),
    tolerance: count(`slots that may be lost; ${DEFAULT_TOLERANCE} without it`),
    'proof-probability': count(
      `a proof in one of so many periods, on average; ${DEFAULT_PROOF_PROBABILITY} without it`,
    ),
  },
  examples: ['codex-light purchase create CID --duration 30d --price 12/GiB-month --collateral 10/GiB'],
  document: `{ ${PURCHASE_DOCUMENT} }`,
  async run(options, call) {
    const cid = readCid(call.operands[0] ?? '')
    const { duration: seconds, price: offered, collateral } = options
    const terms = {
      ...{ duration: seconds, pricePerBytePerSecond: offered, collateralPerByte: collateral },
      ...{ nodes: options.nodes ?? DEFAULT_NODES, tolerance: options.tolerance ?? DEFAULT_TOLERANCE },
    }
    tellTotal(call, await bringHere(call, cid), terms, options['max-total'])
    const made = await call.terminal.progress({ label: 'protecting and asking' }, () =>
      askNode<PurchaseFacts>(call, 'POST', `purchases/${cid}`, {
        ...terms,
        expiry: options.expiry ?? Math.min(3600, Math.floor(seconds / 2)),
        pricePerBytePerSecond: String(offered),
        collateralPerByte: String(collateral),
        proofProbability: String(options['proof-probability'] ?? DEFAULT_PROOF_PROBABILITY),
      }),
    )
    await call.terminal.answer(made, table([PURCHASE_HEAD, purchaseRow(made)]))
    return undefined
  },
})

/** The size of a dataset is known once it is here. */
async function bringHere(call: Call, cid: Cid): Promise<Manifest> {
  const { signal } = call
  const node = await runningNode(call)
  try {
    return await node.manifest(cid, { signal })
  } catch (error) {
    if (!CodexError.is(error, 'dataset/not-found')) throw error
    return call.terminal.progress({ label: 'getting the dataset' }, (advance) =>
      node.fetch(cid, { signal, stallSeconds: DEFAULT_STALL_SECONDS, progress: ({ doneBytes }) => advance(doneBytes) }),
    )
  }
}

/** @throws CodexError `cli/too-dear` */
function tellTotal({ terminal }: Call, manifest: Manifest, terms: QuoteTerms, most: bigint | undefined): void {
  const quoted = quote(manifest, terms)
  // What is wrong with such numbers the node says.
  if (quoted === undefined) return
  const { slots, slotBytes, price: total, collateral } = quoted
  const sum = `${tokenText(total)} for ${slots} slots of ${formatBytes(slotBytes)} and ${formatDuration(terms.duration)}; hosts put ${tokenText(collateral)} at stake`
  if (most !== undefined && total > most)
    throw new CodexError('cli/too-dear', `this costs ${sum}, more than --max-total ${tokenText(most)}`)
  terminal.say(`codex-light: this costs ${sum}`)
}
