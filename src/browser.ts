// The composition root for a tab: IndexedDB for records, OPFS (or IndexedDB) for block bytes, WebCrypto, one Web Lock per node. Choices
// only; what they make is in node.ts. A second tab gets a viewer instead of a node.

import type { CreateNodeOptions } from './createnode.ts'
import { checkOptions, runNode, runParts, takeRoles } from './createnode.ts'
import type { AbortOptions } from './lib/abort.ts'
import type { Clock } from './lib/clock.ts'
import { CodexError } from './lib/errors.ts'
import { Log } from './lib/log.ts'
import { LogLevels } from './lib/loglevels.ts'
import { SystemClock } from './lib/systemclock.ts'
import { SystemRandom } from './lib/systemrandom.ts'
import type { Bytes } from './lib/units.ts'
import { checkedBytes } from './lib/units.ts'
import type { Examination } from './market/examinechain.ts'
import type { MarketSight } from './market/marketsight.ts'
import type { KeystorePlace } from './market/keystore.ts'
import type { NodeKey } from './market/nodekey.ts'
import type { NodeParts, NodeSettings } from './node.ts'
import { CodexNode } from './node.ts'
import { IdbDatastore } from './platform/browser/idbdatastore.ts'
import { holdKeyByLock } from './platform/browser/keylock.ts'
import { openSlabFile } from './platform/browser/openslabfile.ts'
import type { QuotaEstimate } from './platform/browser/quotaestimate.ts'
import { askToPersist, pledgeLimit, quotaEstimate } from './platform/browser/quotaestimate.ts'
import { TabChannel } from './platform/browser/tabchannel.ts'
import { tellingDatastore } from './platform/browser/tellingdatastore.ts'
import { WebCryptoHasher } from './platform/browser/webcryptohasher.ts'
import { WebLock } from './platform/browser/weblock.ts'
import { WorkerTime } from './platform/browser/workertime.ts'
import type { ProofInputs } from './proving/proofinputs.ts'
import type { ProvingFunctions } from './proving/provingfunctions.ts'
import type { Availability } from './sales/availability.ts'
import type { Compute } from './slots/slotsparts.ts'
import { Datasets } from './storage/datasets.ts'
import type { Datastore } from './storage/datastore.ts'
import { DatastoreSlabFile } from './storage/datastoreslabfile.ts'
import type { DamagedDataset, DatasetEntry } from './storage/listdatasets.ts'
import { MemorySlabFile } from './storage/memoryslabfile.ts'
import { QUOTA_KEY, decodeCounters } from './storage/quota.ts'
import { readOnlyDatastore } from './storage/readonlydatastore.ts'
import type { Space } from './storage/repostore.ts'
import { RepoStore } from './storage/repostore.ts'
import type { SlabFile } from './storage/slabfile.ts'

/** What runs in the tab that holds the lock. */
export type TabNode = CodexNode
/** A file of the tab's own file system where there is one, else records of its database. */
export type BlockStorage = 'OPFS' | 'IndexedDB'

export interface TabOptions extends AbortOptions {
  /** Of the node: its database, its slab, its lock. Lower-case letters, digits and hyphens, at most {@link MAX_NAME_CHARS}. */
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  /** Told once when the browser takes the records away from under us: the site's data was cleared, or a newer release needs the database. */
  readonly lost?: ((error: CodexError) => void) | undefined
}

export interface BrowserOptions extends TabOptions, NodeSettings {
  /** Wait in line while another tab runs this node, instead of failing at once. */
  readonly inLine?: boolean
  /** Told last of all when the node stops: nothing of it needs the clock any more. */
  readonly released?: (() => void) | undefined
}

export const MAX_NAME_CHARS = 40

/**
 * The node `name` of this origin, not started yet; `stop` lets the next tab in line go on. The quota is the one asked for, else all that may be
 * pledged, and never more than {@link pledgeLimit} at this moment; it is worked out anew at each opening and not remembered.
 * @throws CodexError `node/other-tab` when another tab runs it, `node/no-web-locks`, `node/bad-name`, `units/not-a-size`, and as
 * {@link IdbDatastore} and {@link openSlabFile}; or the signal's reason
 */
export async function openNode({
  name,
  clock,
  log,
  lost,
  inLine = false,
  released,
  signal,
  ...settings
}: BrowserOptions): Promise<TabNode> {
  const asked = checkedBytes(settings.quotaBytes ?? Number.MAX_SAFE_INTEGER, 'the storage quota')
  const undo: (() => Promise<unknown>)[] = []
  try {
    const lock = await holdLock(checkedName(name), inLine, signal)
    undo.push(() => lock.release())
    const channel = new TabChannel(name, clock)
    undo.push(() => channel.close())
    const records = await openRecords(name, { signal, lost })
    undo.push(() => records.close())
    const replaced = (error: CodexError): void =>
      log.error('the worker that holds the blocks ended, and another one is in its place', { error })
    const slab = await openSlabFile(name, { datastore: records, replaced, signal })
    undo.push(() => slab.close())
    const quotaBytes = Math.min(asked, await limitNow(records, await slab.size()))
    if (settings.quotaBytes !== undefined && quotaBytes < asked)
      log.warn('this browser leaves less room than was asked for', { askedBytes: asked, quotaBytes })
    // Others hear first of an opening, then of every commit.
    channel.tell()
    const datastore = tellingDatastore(records, () => channel.tell())
    const release = async (): Promise<void> => {
      await channel.close()
      await lock.release()
      released?.()
    }
    return new CodexNode(
      {
        datastore,
        slab,
        release,
        clock,
        log,
        hasher: new WebCryptoHasher(),
        compute: () => openCompute(clock),
        transports,
        trading: () => openTrading(clock),
        random: new SystemRandom(),
      },
      { ...settings, quotaBytes },
    )
  } catch (error) {
    for (const close of undo.reverse()) await close().catch(() => undefined)
    throw error
  }
}

/** Where a node of this tab keeps block bytes. */
export function blockStorageOf(node: TabNode): BlockStorage {
  return slabKind(node.repo.parts.slab)
}

/** What a tab without the lock can do: look at the same records. It has no slab, so it serves no content, and changes nothing. */
export interface Viewer {
  space(): Promise<Space>
  /** Datasets as `Datasets.list`; one whose manifest is too large for its record is left out. */
  list(options: AbortOptions): AsyncIterable<DatasetEntry | DamagedDataset>
  /** Yields whenever the leading tab has told of changes. Rejects with the signal's reason. */
  changes(options: AbortOptions): AsyncIterable<void>
  close(): Promise<void>
}

/** @throws CodexError `node/bad-name`, and as {@link IdbDatastore}; or the signal's reason */
export async function openViewer({ name, clock, log, lost, signal }: TabOptions): Promise<Viewer> {
  const records = await openRecords(checkedName(name), { signal, lost })
  try {
    const slab = new MemorySlabFile()
    // Closed, so that whatever asks for block bytes is told, instead of being handed nothing.
    await slab.close()
    const quotaBytes = await limitNow(records, 0)
    const parts = { datastore: readOnlyDatastore(records), slab, hasher: new WebCryptoHasher(), clock, log }
    const repo = new RepoStore(parts, { quotaBytes })
    const datasets = new Datasets(repo, log.topic('datasets'))
    const channel = new TabChannel(name, clock)
    return {
      space: () => repo.space(),
      async *list(options) {
        for await (const entry of datasets.list(options))
          // Nothing is wrong with it: this tab has no slab to read it from.
          if (entry.manifest !== undefined || entry.error.code !== 'slab/closed') yield entry
      },
      changes: (options) => channel.changes(options),
      async close() {
        await channel.close()
        await repo.close()
        await records.close()
      },
    }
  } catch (error) {
    await records.close()
    throw error
  }
}

/** What the browser lets this origin store, and whether it promised to keep it. Never rejects. */
export function storageEstimate(): Promise<QuotaEstimate> {
  return quotaEstimate()
}

/** A browser that has promised to keep the data may grant more: so much more may a node store that was opened without a quota. */
export async function raiseQuota({ repo }: TabNode): Promise<void> {
  const { datastore, slab } = repo.parts
  repo.raiseQuota(await limitNow(datastore, await slab.size()))
}

/** Whether the browser keeps what it is given, before the first sale. @throws CodexError as `probeSlab` */
export function probeStore({ repo }: TabNode): Promise<void> {
  return repo.probe(new SystemRandom())
}

/** Asks the browser to keep this origin's data; call it from a click. */
export function requestPersistence(): Promise<boolean> {
  return askToPersist()
}

/** Loaded when the node joins the network: a tab that only stores pays nothing for it. */
const transports: NodeParts['transports'] = async () => {
  const { tabTransports } = await import('./platform/browser/tabtransports.ts')
  return tabTransports()
}

/** Loaded when the node enters the marketplace. */
async function openTrading(clock: Clock): ReturnType<NodeParts['trading']> {
  const [{ createProver }, { webLines }] = await Promise.all([
    openProving(clock),
    import('./platform/browser/weblines.ts'),
  ])
  return { createProver, lines: webLines, holdKey: holdKeyByLock(), stopwatch: () => performance.now() }
}

/** See {@link CreateNodeOptions}. */
export interface CreateTabOptions extends CreateNodeOptions, Pick<BrowserOptions, 'name' | 'inLine' | 'lost'> {}

/**
 * The node `name` of this origin, running in the roles asked for; `stop` ends it and lets the next tab in line go on.
 * @throws CodexError as {@link openNode}, `checkOptions` and `runNode`: nothing runs then
 */
export async function createNode(options: CreateTabOptions): Promise<TabNode> {
  checkOptions(options)
  const { name, inLine, lost, quotaBytes, blockTtlSeconds, intervalSeconds, blocksPerRun } = options
  const time = options.clock === undefined ? new WorkerTime() : undefined
  const run = runParts({ ...options, clock: options.clock ?? new SystemClock(time) })
  const settings = { quotaBytes, blockTtlSeconds, intervalSeconds, blocksPerRun }
  try {
    const node = await openNode({
      ...{ name, lost, ...run, ...settings },
      ...(inLine !== undefined && { inLine }),
      released: () => time?.close(),
    })
    return await runNode(node, options, run)
  } catch (error) {
    time?.close()
    throw error
  }
}

/** The machine's time for a node that outlives all hiding of its page, see {@link WorkerTime}; its worker is there as long as the page. */
export function openTabClock(): Clock {
  return new SystemClock(new WorkerTime())
}

/** What a node that is open already takes up: all of {@link CreateNodeOptions} that does not belong to its opening. */
export type TabRoles = Omit<CreateNodeOptions, keyof NodeSettings | 'clock' | 'log' | 'signal'>

/**
 * Has a node that was opened and started take up roles; it keeps what it stores. When that fails it runs on without them.
 * @throws CodexError as {@link createNode}
 */
export async function enterRoles(node: TabNode, roles: TabRoles, options: AbortOptions): Promise<void> {
  checkOptions(roles)
  await takeRoles(node, roles, options)
}

/** Keys of a tab: made, kept encrypted among the node's records, unlocked. */
export interface TabKeys {
  readonly generate: () => NodeKey
  /** @throws CodexError `wallet/bad-key` */
  readonly fromPrivateKey: (digits: string) => NodeKey
  /** @throws CodexError `wallet/bad-keystore`, `wallet/wrong-password` */
  readonly unlock: (keystore: string, password: string) => Promise<NodeKey>
  /** @param scryptN what guessing a password costs; by default as much as wallets ask for */
  readonly lock: (key: NodeKey, password: string, scryptN?: number) => Promise<string>
  /** @param name of lower-case letters, digits and hyphens; the node's own key without one */
  readonly place: (name?: string) => KeystorePlace
  /** Leaves the place of the node's own key free; its keystore stays under another name, which is returned. */
  readonly setAside: () => Promise<string | undefined>
}

/** Loaded when first asked for. */
export async function openKeys({ repo }: TabNode): Promise<TabKeys> {
  const [{ NodeKey }, { keystoreRecord, setKeystoreAside }] = await Promise.all([
    import('./market/nodekey.ts'),
    import('./market/keystorerecord.ts'),
  ])
  const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))
  return {
    generate: () => NodeKey.generate(random),
    fromPrivateKey: (digits) => NodeKey.fromPrivateKey(digits),
    unlock: (keystore, password) => NodeKey.fromKeystore(keystore, password),
    lock: (key, password, scryptN) => key.toKeystore(password, random, scryptN),
    setAside: () => setKeystoreAside(repo.parts.datastore),
    place: (name) => keystoreRecord(repo.parts.datastore, name === undefined ? undefined : checkedName(name)),
  }
}

/** What a node that does not sell yet has on record. */
export interface SalesRecord {
  /** Its slots, of which key, on which chain, in words: only there they can be proven. Undefined where it holds none. */
  readonly held: string | undefined
  /** What it offers, and goes on offering once it sells. */
  readonly offered: readonly Availability[]
}

export async function soldHere({ repo }: TabNode, options: AbortOptions): Promise<SalesRecord> {
  const [{ heldSlots }, { readSalesRecords }] = await Promise.all([
    import('./sales/salesplace.ts'),
    import('./sales/readsalesrecords.ts'),
  ])
  const { datastore } = repo.parts
  const { availabilities } = await readSalesRecords(datastore, options)
  return { held: await heldSlots(datastore, options), offered: [...availabilities.values()] }
}

/** What stands between a key and its earnings on a chain, in sentences. It changes nothing and signs nothing. Rejects only with the signal's reason. */
export async function lookAtChain(
  settings: { readonly url: string; readonly marketplace?: string },
  address: string | undefined,
  options: AbortOptions,
): Promise<Examination> {
  const [{ examineChain }, { webLines }] = await Promise.all([
    import('./market/examinechain.ts'),
    import('./platform/browser/weblines.ts'),
  ])
  const clock = new SystemClock()
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  return examineChain({ lines: webLines, clock, log }, settings, address, options)
}

/** What an address has, and what clients asked for of late. It changes nothing and signs nothing. @throws CodexError as `seeMarket` */
export async function lookAtMarket(
  settings: { readonly url: string; readonly marketplace?: string },
  address: string,
  options: AbortOptions,
): Promise<MarketSight> {
  const [{ seeMarket }, { webLines }] = await Promise.all([
    import('./market/marketsight.ts'),
    import('./platform/browser/weblines.ts'),
  ])
  const clock = new SystemClock()
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  return seeMarket({ lines: webLines, clock, log }, settings, address, options)
}

/** What proves in a tab, and what it can be measured with. */
export interface TabProving extends Pick<ProvingFunctions, 'createProver'> {
  /** Inputs for the full circuit, of a dataset made up for it. */
  readonly sampleInputs: (options: AbortOptions) => Promise<ProofInputs>
  /** Workers a prover takes where nobody says. */
  readonly threads: number
}

/** Proving, loaded when first asked for. It starts no worker yet. @param clock that its workers are waited for by: hidden pages want {@link openTabClock} */
export async function openProving(clock: Clock = new SystemClock()): Promise<TabProving> {
  const [{ provingFunctions }, { provingPlatform }] = await Promise.all([
    import('./proving/provingfunctions.ts'),
    import('./platform/browser/provingplatform.ts'),
  ])
  const platform = provingPlatform(clock)
  return {
    createProver: provingFunctions(platform).createProver,
    threads: platform.openPool(undefined).size,
    sampleInputs: async (options) => {
      const { sampleInputs } = await import('./slots/sampleinputs.ts')
      const compute = await openCompute(new SystemClock())
      try {
        return await sampleInputs(compute, options)
      } finally {
        await compute.close()
      }
    },
  }
}

/** Loaded when first asked for, so that the page opens as fast as without it. */
async function openCompute(clock: Clock): Promise<Compute> {
  const [{ pooledCompute }, { computeWorkers }] = await Promise.all([
    import('./slots/pooledcompute.ts'),
    import('./platform/browser/computeworkers.ts'),
  ])
  return pooledCompute(computeWorkers(), clock)
}

async function holdLock(name: string, inLine: boolean, signal: AbortSignal): Promise<WebLock> {
  if (inLine) return WebLock.waitInLine(name, { signal })
  const lock = await WebLock.tryToHold(name)
  if (lock !== undefined) return lock
  const message = `another tab of this browser runs the node ${name}: use that tab, or close it`
  throw new CodexError('node/other-tab', message, { detail: { name } })
}

function openRecords(name: string, { signal, lost }: Pick<TabOptions, 'signal' | 'lost'>): Promise<IdbDatastore> {
  return IdbDatastore.open(`codex-light/${name}`, { signal, ...(lost === undefined ? {} : { onLost: lost }) })
}

/** Bytes of deleted blocks inside the slab are ours too: they will be written again. */
async function limitNow(records: Datastore, slabBytes: Bytes): Promise<Bytes> {
  const used = usedIn(await records.get(QUOTA_KEY))
  return pledgeLimit(await quotaEstimate(), Math.max(used, slabBytes))
}

/** Damaged counters must not keep the node from opening: only an open one can be repaired. */
function usedIn(record: Uint8Array | undefined): Bytes {
  try {
    return decodeCounters(record).used
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record')) return 0
    throw error
  }
}

function slabKind(slab: SlabFile): BlockStorage {
  return slab instanceof DatastoreSlabFile ? 'IndexedDB' : 'OPFS'
}

function checkedName(name: string): string {
  if (/^[a-z0-9-]+$/.test(name) && name.length <= MAX_NAME_CHARS) return name
  const message = `the name of a node is 1 to ${MAX_NAME_CHARS} lower-case letters, digits and hyphens, found ${JSON.stringify(name.slice(0, MAX_NAME_CHARS))}`
  throw new CodexError('node/bad-name', message, { detail: { found: name.slice(0, MAX_NAME_CHARS) } })
}
