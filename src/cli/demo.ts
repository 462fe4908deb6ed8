// demo: the main job on this one machine. A local chain with the contracts, a client, a provider and a validator; a real file is bought storage for, and
// everything that happens is told until it is paid. Then the page.

import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatCount } from '../lib/format.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { NodejsNode } from '../nodejs.ts'
import type { Cid } from '../protocol/cid.ts'
import { BLOCK_BYTES, offerFor, whyNotTaken } from './demooffer.ts'
import { demoProgress } from './demoprogress.ts'
import { DemoTab } from './demotab.ts'
import type { DemoWorld } from './demoworld.ts'
import { openWorld } from './demoworld.ts'
import { openFileSource } from './filesource.ts'
import { mimetypeOf } from './mimetypeof.ts'
import { duration, flag } from './option.ts'
import { PurchaseDiary } from './purchasediary.ts'
import type { PageServer } from './servepage.ts'
import { servePage } from './servepage.ts'
import { StopWatch } from './stopwatch.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'

/** What is stored when no file is named: the first of these beside the command that is large enough for as many slots. */
const OWN_FILES = ['contracts/Marketplace.json', '../README.md']
const NODES = 3
const TOLERANCE = 1
/** Short enough to see several of them, long enough for three proofs on a machine that has little else to do. */
const PERIOD_SECONDS: Seconds = 30
const LEAST_PERIOD_SECONDS: Seconds = 10
/** Of the request, and some. */
const PERIODS = 3
const SPARE_SECONDS: Seconds = 10
/** Before the end of the request. */
const EXPIRY_BEFORE_SECONDS: Seconds = 5
const PRICE_WEI = 1000n
const COLLATERAL_WEI = 1n
/** Of a purchase, the latest. */
const MAX_DECISIONS = 100
const COLLATERAL_TOTAL_WEI = 10n ** 12n
const LOOK_MS = 200
/** Whatever takes longer than this after the end of the request goes wrong. */
const PATIENCE_SECONDS = 240

export const demo = defineVerb({
  operands: { text: '[FILE]', min: 0, max: 1 },
  about: `Runs the main job here, with nothing simulated: builds the full circuit (once on this computer), starts a local chain with the marketplace,
a client, a provider and a validator; uploads FILE (by default one of the package's own), buys storage for it, and tells how its slots are
reserved, downloaded, proven, filled, proven again each period, and paid. Serves the page on loopback meanwhile, until Ctrl-C, which is its
normal end. Everything is on loopback, in temporary folders, and with keys that everybody knows.`,
  options: {
    once: flag('end after the payout, serve no page'),
    period: duration(
      `of proofs on the local chain; ${PERIOD_SECONDS}s without it, longer ones for slow or busy machines`,
    ),
  },
  examples: ['codex-light demo --period 2m', 'codex-light demo holiday.jpg --once --json'],
  document: `{ request: { id }, circuit: { constraints }, slots: [{ index, host, phases: [{ name, at (chain seconds) }], proofs: { submitted, missed },
payoutWei (text) }], gas: { <function>: { calls, min, max } }, timings: { <stage>: seconds since the start }, cid, bytes, page: URL or null };
printed when all slots are paid`,
  async run({ once = false, period = PERIOD_SECONDS }, call) {
    if (period < LEAST_PERIOD_SECONDS)
      throw new CodexError(
        'demo/short-period',
        `expected a period of at least ${LEAST_PERIOD_SECONDS} s, found ${period}`,
      )
    const { path, size } = await findFile(call)
    const offeredBytes = offerFor(size, termsFor(period))
    const watch = new StopWatch(call.terminal)
    const world = await openWorld({ ...call, periodSeconds: period, done: (stage, what) => watch.done(stage, what) })
    const chainless = new AbortController()
    void world.devnet.closed.then(() =>
      chainless.abort(
        new CodexError(
          'demo/chain-ended',
          'the local chain ended before the demo did: where the machine is short of memory, close other programs, then start again',
        ),
      ),
    )
    const signal = AbortSignal.any([call.signal, chainless.signal])
    let page: PageServer | undefined
    try {
      const { client, provider } = world.nodes
      const tell = (line: string): void => watch.note(line)
      const tab = new DemoTab({
        ...{ devnet: world.devnet, client, provider, signal, tell },
        show: (request, response) => world.shown.answer(request, response),
      })
      page = once ? undefined : await pageOf(call, world, tab)
      if (page !== undefined) await watch.say(`the page     ${page.url}`)
      const answer = await runPurchase({ ...call, signal }, world, watch, {
        ...{ path, period, offeredBytes },
        onStarted: (cid) => tab.offer(cid),
      })
      await call.terminal.answer(
        { ...answer, page: page?.url ?? null },
        page === undefined ? 'All slots are paid.' : `All slots are paid. The page: ${page.url} (Ctrl-C ends)`,
      )
      if (page !== undefined) await aborted(signal)
      if (!call.signal.aborted) chainless.signal.throwIfAborted()
      return undefined
    } finally {
      await page?.close()
      await world.stop()
    }
  },
})

function termsFor(period: Seconds) {
  const duration = PERIODS * period + SPARE_SECONDS
  return {
    duration,
    expiry: duration - EXPIRY_BEFORE_SECONDS,
    pricePerBytePerSecond: PRICE_WEI,
    collateralPerByte: COLLATERAL_WEI,
    proofProbability: 1n,
    nodes: NODES,
    tolerance: TOLERANCE,
  }
}

interface PurchaseOrder {
  readonly path: string
  readonly period: Seconds
  readonly offeredBytes: Bytes
  /** From then on another provider takes nothing away from this purchase. */
  readonly onStarted: (cid: Cid) => void
}

async function runPurchase(call: Call, world: DemoWorld, watch: StopWatch, order: PurchaseOrder) {
  const { path, period, offeredBytes, onStarted } = order
  const { signal, terminal } = call
  const { client, provider } = world.nodes
  const terms = termsFor(period)
  const seller = provider.trade?.provider
  const buyer = client.trade?.client
  if (seller === undefined || buyer === undefined)
    throw new CodexError('demo/no-roles', 'the nodes of the demo did not take up their roles')
  const tell = (slotIndex: number, what: string): void => {
    if (what === 'SaleFilled') watch.timings['firstSlotFilled'] ??= watch.seconds
    if (what.startsWith('proof')) watch.timings['firstProof'] ??= watch.seconds
    watch.note(`slot ${slotIndex}       ${what}`)
  }
  const diary = new PurchaseDiary(provider, tell, { signal })
  for (const [role, { events }] of Object.entries(world.nodes))
    events.addEventListener(
      'alert',
      ({ detail: { cause, action } }) => terminal.say(`codex-light: ${role}: ${cause}. ${action}.`),
      { signal },
    )
  await seller.createAvailability({
    totalSize: offeredBytes,
    duration: 86_400,
    minPricePerBytePerSecond: 1n,
    totalCollateral: COLLATERAL_TOTAL_WEI,
  })
  await watch.done('offer', `the provider offers ${formatBytes(offeredBytes)}`)
  const { cid, bytes } = await upload(client, path, call)
  await watch.done('upload', `${basename(path)}, ${formatBytes(bytes)} -> ${cid}`)
  const purchase = await buyer.buy(cid, terms, { signal })
  await watch.done(
    'request',
    `${purchase.id}: ${formatCount(NODES, 'slot')}, any ${NODES - TOLERANCE} of them hold the file`,
  )
  await terminal.progress({ label: 'waiting for the chain' }, async (advance) => {
    const deadline = watch.seconds + 2 * terms.duration + PATIENCE_SECONDS
    const isOver = (): boolean =>
      purchase.outcome !== undefined && seller.list().every(({ requestId }) => requestId !== purchase.id)
    for (; !isOver(); await look(signal)) {
      if (purchase.state === 'started' && watch.timings['started'] === undefined) {
        await watch.done('started', 'all slots are filled')
        onStarted(cid)
      }
      if (purchase.outcome !== undefined && purchase.state !== 'finished') break
      if (watch.seconds > deadline)
        throw new CodexError('demo/too-slow', 'expected the slots to be paid by now; see the lines above')
      const standing = provider.trade?.status()
      const { doneBytes, ...now } = demoProgress({
        time: standing?.time ?? 0,
        periodSeconds: standing?.periodSeconds ?? 1,
        sales: standing?.provider?.sales ?? [],
      })
      advance(doneBytes, now)
    }
  })
  if (purchase.state !== 'finished') {
    const why = [purchase.problem ?? '', whyNotTaken(seller.decisions(MAX_DECISIONS, purchase.id))]
    const found = [purchase.state, ...why].filter((each) => each !== '').join(': ')
    throw new CodexError(
      'demo/not-finished',
      `expected the purchase to finish, found it ${found}. Where the machine is slow or busy, longer periods help: --period 2m`,
    )
  }
  await watch.done('paid', `${seller.earnings.reduce((sum, { reward }) => sum + reward, 0n)} wei in all`)
  const slots = diary.slotsOf(purchase.id)
  return {
    request: { id: purchase.id },
    circuit: { constraints: world.constraints },
    slots,
    gas: await world.gas(),
    timings: watch.timings,
    cid: String(cid),
    bytes,
  }
}

async function look(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  signal.throwIfAborted()
}

async function upload(
  node: NodejsNode,
  path: string,
  { terminal, signal }: Call,
): Promise<{ cid: Cid; bytes: number }> {
  const source = await openFileSource(path)
  try {
    const filename = basename(path)
    const names = { filename, mimetype: mimetypeOf(filename) }
    const { cid, manifest } = await terminal.progress(
      { label: `storing ${filename}`, totalBytes: source.sizeBytes },
      (advance) =>
        node.datasets.upload(source.pieces, {
          ...names,
          ...{ signal, progress: ({ storedBytes }) => advance(storedBytes) },
        }),
    )
    return { cid, bytes: manifest.datasetSize }
  } finally {
    await source.close()
  }
}

async function pageOf({ dist, terminal }: Call, world: DemoWorld, tab: DemoTab): Promise<PageServer | undefined> {
  try {
    const circuit = async (): Promise<string> => world.circuit.folder
    return await servePage(fileURLToPath(new URL('web/', dist)), { circuit, demo: tab })
  } catch (error) {
    if (!CodexError.is(error, 'page/not-built')) throw error
    terminal.say(`no page is served: ${error.message}`)
    return undefined
  }
}

/** Of at least as many blocks as slots of data. @throws CodexError `demo/no-file`, `demo/too-small` */
async function findFile({ operands: [named], dist }: Call): Promise<{ readonly path: string; readonly size: Bytes }> {
  const least = (NODES - TOLERANCE - 1) * BLOCK_BYTES + 1
  const sizeOf = async (path: string): Promise<number> => {
    const found = await stat(path).catch(() => undefined)
    return found?.isFile() === true ? found.size : -1
  }
  if (named !== undefined) {
    const path = resolve(named)
    const size = await sizeOf(path)
    if (size < 0) throw new CodexError('demo/no-file', `found no file ${path}`, { detail: { path } })
    if (size < least)
      throw new CodexError(
        'demo/too-small',
        `expected a file of at least ${formatBytes(least)}, one block for each slot of data, found ${formatBytes(size)}`,
        {
          detail: { path, size },
        },
      )
    return { path, size }
  }
  for (const name of OWN_FILES) {
    const path = fileURLToPath(new URL(name, dist))
    const size = await sizeOf(path)
    if (size >= least) return { path, size }
  }
  throw new CodexError('demo/no-file', 'found no file of the package to store; name one: codex-light demo FILE')
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
}
