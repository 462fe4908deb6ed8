// purchase create CID: buys storage for a dataset.

import { CodexError } from '../lib/errors.ts'
import { askNode } from './asknode.ts'
import { price, tokens } from './marketunits.ts'
import { count, duration } from './option.ts'
import { PURCHASE_DOCUMENT, PURCHASE_HEAD, type PurchaseFacts, purchaseRow } from './purchase.ts'
import { readCid } from './readcid.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'

const DEFAULT_NODES = 3
const DEFAULT_TOLERANCE = 1
const DEFAULT_PROOF_PROBABILITY = 100

export const purchaseCreate = defineVerb({
  operands: { text: 'CID', min: 1, max: 1 },
  about: `Has the running node ask the market to store the dataset CID: brings it here if need be, adds parity, cuts it into slots, one for each
of --nodes, and pays the whole price into the contract. What is not used of it comes back at the end; all of it if not every slot is filled
before --expiry. Answers as soon as the request is on record; purchase show tells what becomes of it.`,
  options: {
    duration: duration('how long it is to be stored'),
    expiry: duration('by when every slot must be filled; an hour, or half of the duration, without it'),
    price: price('offered'),
    collateral: tokens('what hosts put at stake for each byte'),
    nodes: count(`slots in all; ${DEFAULT_NODES} without it`),
    tolerance: count(`slots that may be lost; ${DEFAULT_TOLERANCE} without it`),
    'proof-probability': count(
      `a proof in one of so many periods, on average; ${DEFAULT_PROOF_PROBABILITY} without it`,
    ),
  },
  document: `{ ${PURCHASE_DOCUMENT} }`,
  async run(options, call) {
    const cid = readCid(call.operands[0] ?? '')
    const { duration: seconds, price: offered, collateral } = options
    if (seconds === undefined || offered === undefined || collateral === undefined)
      throw new CodexError('cli/bad-option', 'expected all of --duration, --price and --collateral')
    const made = await call.terminal.progress({ label: 'protecting and asking' }, () =>
      askNode<PurchaseFacts>(call, 'POST', `purchases/${cid}`, {
        duration: seconds,
        expiry: options.expiry ?? Math.min(3600, Math.floor(seconds / 2)),
        pricePerBytePerSecond: String(offered),
        collateralPerByte: String(collateral),
        proofProbability: String(options['proof-probability'] ?? DEFAULT_PROOF_PROBABILITY),
        nodes: options.nodes ?? DEFAULT_NODES,
        tolerance: options.tolerance ?? DEFAULT_TOLERANCE,
      }),
    )
    await call.terminal.answer(made, table([PURCHASE_HEAD, purchaseRow(made)]))
    return undefined
  },
})
