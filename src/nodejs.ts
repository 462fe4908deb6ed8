// The composition root for Node: LevelDB and a plain file in a data folder, native sha256. Choices only; what they make is in node.ts.

import type { CreateNodeOptions } from './createnode.ts'
import { checkOptions, runNode, runParts } from './createnode.ts'
import type { AdmitVisit } from './exchange/openlibp2p.ts'
import type { AbortOptions } from './lib/abort.ts'
import type { Clock } from './lib/clock.ts'
import { CodexError } from './lib/errors.ts'
import type { Log } from './lib/log.ts'
import { SystemClock } from './lib/systemclock.ts'
import { SystemRandom } from './lib/systemrandom.ts'
import type { ConnectionSettings } from './market/connection.ts'
import type { EarlierSend } from './market/earliersend.ts'
import type { EthersMarket, EthersMarketSettings } from './market/ethersmarket.ts'
import type { Account, Examination } from './market/examinechain.ts'
import type { NodeKey, NodeKeySettings } from './market/nodekey.ts'
import type { Payment, PayOnceOptions } from './market/payonce.ts'
import type { NodeParts, NodeSettings } from './node.ts'
import { CodexNode } from './node.ts'
import type { CircuitSize, CompiledFiles } from './platform/nodejs/circuitapi.ts'
import type { ArchiveRequest, UnpackedCircuit } from './platform/nodejs/circuitarchives.ts'
import { Admission, DEFAULT_MAX_TABS } from './platform/nodejs/admission.ts'
import { openDataFolder } from './platform/nodejs/datafolder.ts'
import { keystoreFile, readSecretFile } from './platform/nodejs/keystorefile.ts'
import { NativeHasher } from './platform/nodejs/nativehasher.ts'
import type { Groth16Proof } from './proving/proof.ts'
import type { ProofInputs } from './proving/proofinputs.ts'
import type { ProvingFunctions } from './proving/provingfunctions.ts'
import type { VerificationKey } from './proving/verificationkey.ts'
import type { ProofInputs as SlotInputs, ProofInputsJson } from './slots/proofinputs.ts'
import type { Compute } from './slots/slotsparts.ts'
import { DEFAULT_MAINTENANCE_BLOCKS, DEFAULT_MAINTENANCE_INTERVAL_SECONDS } from './storage/maintenance.ts'
import { DEFAULT_BLOCK_TTL_SECONDS, DEFAULT_QUOTA_BYTES } from './storage/repostore.ts'

/** What a node does where its settings are silent, for those who show settings to people. */
export const NODE_DEFAULTS = {
  quotaBytes: DEFAULT_QUOTA_BYTES,
  blockTtlSeconds: DEFAULT_BLOCK_TTL_SECONDS,
  intervalSeconds: DEFAULT_MAINTENANCE_INTERVAL_SECONDS,
  blocksPerRun: DEFAULT_MAINTENANCE_BLOCKS,
} as const satisfies Required<NodeSettings>

/** What runs in a data folder. */
export type NodejsNode = CodexNode

export interface NodejsOptions extends NodeSettings {
  /** Folder of this node and no other; made when missing. */
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * A node over the data folder, not started yet; `stop` lets go of the folder.
 * @throws CodexError as {@link openDataFolder}, `units/not-a-size` for a bad quota
 */
export async function openNode({ dataDir, clock, log, ...settings }: NodejsOptions): Promise<NodejsNode> {
  const { release: releaseFolder, ...stores } = await openDataFolder(dataDir)
  const hasher = new NativeHasher()
  const release = (): Promise<void> => {
    hasher.close()
    return releaseFolder()
  }
  try {
    const compute = (): Promise<Compute> => openCompute(clock)
    const random = new SystemRandom()
    const trading: NodeParts['trading'] = () => openTrading(clock)
    const parts = { ...stores, release, clock, log, hasher, compute, transports, trading, random }
    return new CodexNode(parts, settings)
  } catch (error) {
    // Bad settings must not leave the folder locked.
    await stores.slab.close()
    await stores.datastore.close()
    await release()
    throw error
  }
}

/** Loaded when the node joins the network. */
const transports: NodeParts['transports'] = async (admit) => {
  const { nodeTransports } = await import('./platform/nodejs/nodetransports.ts')
  return nodeTransports(admit)
}

/** Loaded when the node enters the marketplace. */
async function openTrading(clock: Clock): ReturnType<NodeParts['trading']> {
  const [{ createProver }, lines] = await Promise.all([openProving(clock), openLines()])
  return { createProver, lines, stopwatch: () => performance.now() }
}

/** Who may come in over WebSocket, as `AdmissionPolicy`. Silent: pages that this machine serves, {@link DEFAULT_MAX_TABS} at once. */
export interface BridgeDoor {
  /** Of pages; `*` for every page. */
  readonly origins?: readonly string[] | undefined
  /** What tabs must know to come in, 8 to 128 letters, digits and `._~-`. */
  readonly token?: string | undefined
  readonly maxTabs?: number | undefined
  /** Addresses of proxies before this node, which say in X-Forwarded-For who comes. */
  readonly proxies?: readonly string[] | undefined
}

/** Of any node that listens for WebSocket. */
export function admitting({ origins = [], token, maxTabs = DEFAULT_MAX_TABS, proxies }: BridgeDoor): AdmitVisit {
  const admission = new Admission({ origins, token, maxTabs, proxies })
  return (visit) => admission.admit(visit)
}

/** See {@link CreateNodeOptions}. */
export interface CreateNodejsOptions extends CreateNodeOptions {
  readonly bridge?: BridgeDoor | undefined
  /** Folder of this node and no other; made when missing. */
  readonly dataDir: string
}

/**
 * A node over the data folder that runs in the roles asked for; `stop` ends it and lets go of the folder.
 * @throws CodexError as {@link openNode}, `checkOptions` and `runNode`: nothing runs then
 */
export async function createNode(options: CreateNodejsOptions): Promise<NodejsNode> {
  checkOptions(options)
  const { quotaBytes, blockTtlSeconds, intervalSeconds, blocksPerRun } = options
  const run = runParts(options)
  const settings = { quotaBytes, blockTtlSeconds, intervalSeconds, blocksPerRun }
  const node = await openNode({ dataDir: options.dataDir, clock: run.clock, log: run.log, ...settings })
  return runNode(node, options, { ...run, admit: admitting(options.bridge ?? {}) })
}

/** What proves, and what it proves with. */
export interface Proving extends ProvingFunctions {
  readonly verify: (key: VerificationKey, publicSignals: readonly string[], proof: Groth16Proof) => boolean
  /** Compiles the storage proof's circuit, unless that was done before. */
  readonly compileCircuit: (size: CircuitSize, folder: string, options: AbortOptions) => Promise<CompiledFiles>
  /** What a circuit and its keys say of themselves. */
  readonly describeKey: (zkey: URL, options: AbortOptions) => Promise<KeyFacts>
  /** How large a compiled circuit is. @throws CodexError `proving/bad-r1cs` and as opening the file */
  readonly countConstraints: (r1cs: URL, options: AbortOptions) => Promise<number>
  /** Inputs for the full circuit, of a dataset made up for it: to measure with. */
  readonly sampleInputs: (options: AbortOptions) => Promise<ProofInputs>
  /** Of this user: for what can be made anew. */
  readonly cacheFolder: string
  /** As many as a prover takes where nobody says. */
  readonly threads: number
  /** Which variant of the kernel this engine runs rightly: `relaxed-simd` or `scalar`. */
  readonly kernelVariant: () => Promise<string>
}

export interface KeyFacts {
  readonly wires: number
  readonly publicSignals: number
  readonly domain: number
  /** Of a key that is for development only. */
  readonly developmentMark: string | undefined
}

/** Proving, loaded when first asked for. It starts no thread yet. @param clock that its threads are waited for by */
export async function openProving(clock: Clock = new SystemClock()): Promise<Proving> {
  const [{ provingFunctions }, { provingPlatform }, { verify }, { cacheFolder }] = await Promise.all([
    import('./proving/provingfunctions.ts'),
    import('./platform/nodejs/provingplatform.ts'),
    import('./proving/verify.ts'),
    import('./platform/nodejs/cachefolder.ts'),
  ])
  const platform = { ...provingPlatform(clock), loadSnarkjs: () => import('./proving/snarkjsprover.ts') }
  return {
    ...provingFunctions(platform),
    verify,
    compileCircuit: async (...asked) =>
      (await import('./platform/nodejs/circuitcompiler.ts')).compileOnThread(...asked),
    describeKey: async (file, options) => {
      const { openFileSource } = await import('./platform/nodejs/fileartefacts.ts')
      const { readZkey } = await import('./proving/zkey.ts')
      const source = await openFileSource(file)
      try {
        const { header, developmentMark } = await readZkey(source, options)
        const { wireCount: wires, publicCount: publicSignals, domainSize: domain } = header
        return { wires, publicSignals, domain, developmentMark }
      } finally {
        await source.close()
      }
    },
    countConstraints: async (file, options) => {
      const [{ openFileSource }, { readR1cs }] = await Promise.all([
        import('./platform/nodejs/fileartefacts.ts'),
        import('./proving/r1cs.ts'),
      ])
      const source = await openFileSource(file)
      try {
        return (await readR1cs(source, options)).constraintCount
      } finally {
        await source.close()
      }
    },
    sampleInputs: async (options) => {
      const { sampleInputs } = await import('./slots/sampleinputs.ts')
      const compute = await openCompute(new SystemClock())
      try {
        return await sampleInputs(compute, options)
      } finally {
        await compute.close()
      }
    },
    cacheFolder: cacheFolder(),
    threads: platform.openPool(undefined).size,
    kernelVariant: async () => {
      const pool = platform.openPool(1)
      try {
        return await pool.run((worker) => worker.proveVariant(), {
          signal: new AbortController().signal,
          rank: 'background',
        })
      } finally {
        await pool.close()
      }
    },
  }
}

/** A circuit out of the archive it is published in. @throws CodexError as `openArchive` */
export async function openCircuitArchive(request: ArchiveRequest, options: AbortOptions): Promise<UnpackedCircuit> {
  const [{ openArchive }, { unpackCircuit }] = await Promise.all([
    import('./platform/nodejs/circuitarchives.ts'),
    import('./proving/circuitarchive.ts'),
  ])
  return openArchive(request, unpackCircuit, options)
}

/** Loaded when first asked for: most verbs compute nothing, and are to start fast. */
async function openCompute(clock: Clock): Promise<Compute> {
  const [{ pooledCompute }, { computeWorkers }] = await Promise.all([
    import('./slots/pooledcompute.ts'),
    import('./platform/nodejs/computeworkers.ts'),
  ])
  return pooledCompute(computeWorkers(), clock)
}

/** What a file with a secret is for, and how one comes by it. */
const SECRETS = {
  keystore: 'make a key with: codex-light wallet new',
  'imported key': 'name the file that holds the key: a Web3 keystore, or 64 hex digits',
  'private key': 'write the 64 hex digits of the key into it, for you alone: (umask 077; cat > FILE)',
  password: 'write the password into it, for you alone: (umask 077; cat > FILE)',
  token: 'write the token into it, for you alone: (umask 077; cat > FILE)',
} as const

/** The file at `path`, which others may not read. @throws CodexError as {@link readSecretFile}, `wallet/not-found` */
export async function readSecret(path: string, what: keyof typeof SECRETS): Promise<string> {
  const text = await readSecretFile(path)
  if (text !== undefined) return text
  throw new CodexError('wallet/not-found', `found no file ${path}; ${SECRETS[what]}`, { detail: { path } })
}

/** The private key at `path`, 64 hex digits. @throws CodexError as {@link readSecret}, `wallet/bad-key` */
export async function readPrivateKey(path: string, settings: NodeKeySettings = {}): Promise<NodeKey> {
  const { NodeKey } = await import('./market/nodekey.ts')
  return NodeKey.fromPrivateKey((await readSecret(path, 'private key')).split(/\r?\n/)[0] ?? '', settings)
}

/** Makes a key and keeps it at `path`. @returns its address @throws CodexError `wallet/exists` and as the file */
export async function createKeystore(path: string, password: string): Promise<string> {
  const { NodeKey } = await import('./market/nodekey.ts')
  return keep(NodeKey.generate(secureRandom), path, password)
}

/**
 * Keeps a key from elsewhere at `path`, under a password of its own.
 * @param text 64 hex digits, or a Web3 keystore that `passwordOfText` opens
 * @returns its address
 * @throws CodexError `wallet/bad-key`, `wallet/bad-keystore`, `wallet/wrong-password`, `wallet/exists` and as the file
 */
export async function importKeystore(
  path: string,
  text: string,
  passwords: { readonly passwordOfText: string; readonly password: string },
): Promise<string> {
  const { NodeKey } = await import('./market/nodekey.ts')
  const key = text.trimStart().startsWith('{')
    ? await NodeKey.fromKeystore(text, passwords.passwordOfText)
    : NodeKey.fromPrivateKey(text)
  return keep(key, path, passwords.password)
}

/** The address that the keystore at `path` names; no password is needed. @throws CodexError as {@link readSecret}, `wallet/bad-keystore` */
export async function keystoreAddress(path: string): Promise<string> {
  const { addressInKeystore } = await import('./market/keystore.ts')
  const address = addressInKeystore(await readSecret(path, 'keystore'))
  if (address !== undefined) return address
  throw new CodexError('wallet/bad-keystore', `expected ${path} to name its address; check the file`, {
    detail: { path },
  })
}

/** @throws CodexError as {@link readSecret}, `wallet/bad-keystore`, `wallet/wrong-password` */
export async function unlockKey(path: string, password: string, settings: NodeKeySettings = {}): Promise<NodeKey> {
  const { NodeKey } = await import('./market/nodekey.ts')
  return NodeKey.fromKeystore(await readSecret(path, 'keystore'), password, settings)
}

export interface ChainParts {
  readonly clock: Clock
  readonly log: Log
}

/** Looks at endpoint, contract and account. Never rejects but with the signal's reason. */
export async function examineChain(
  parts: ChainParts,
  settings: ConnectionSettings,
  address: string | undefined,
  options: AbortOptions,
): Promise<Examination> {
  const [{ examineChain: examine }, lines] = await Promise.all([import('./market/examinechain.ts'), openLines()])
  return examine({ ...parts, lines }, settings, address, options)
}

/** What `address` has. @throws CodexError as `Connection.open` */
export async function accountOf(
  parts: ChainParts,
  settings: ConnectionSettings,
  address: string,
  options: AbortOptions,
): Promise<Account> {
  const [{ readAccount }, lines] = await Promise.all([import('./market/examinechain.ts'), openLines()])
  return readAccount({ ...parts, lines }, settings, address, options)
}

/**
 * Pays from the key whose journal of transactions is in the data folder, unless an earlier run there may have made the same payment untold.
 * @throws CodexError `wallet/sent-before`; as {@link openDataFolder}, `EthersMarket.open` and its writes, and `tell`
 */
export async function pay(
  parts: ChainParts & { readonly dataDir: string; readonly key: NodeKey },
  settings: EthersMarketSettings,
  payment: Payment,
  options: PayOnceOptions,
): Promise<void> {
  const { payOnce } = await import('./market/payonce.ts')
  await withMarket(parts, settings, options, (market) => payOnce(market, payment, options))
}

/** For people: what an earlier run sent, and what became of it. */
export async function sentenceOfEarlier(earlier: EarlierSend): Promise<string> {
  return (await import('./market/payonce.ts')).earlierSentence(earlier)
}

/** Runs `work` with a market whose journal is in the data folder, and lets go of both. */
async function withMarket<T>(
  { dataDir, key, ...parts }: ChainParts & { readonly dataDir: string; readonly key: NodeKey },
  settings: EthersMarketSettings,
  options: AbortOptions,
  work: (market: EthersMarket) => Promise<T>,
): Promise<T> {
  const [{ EthersMarket }, lines] = await Promise.all([import('./market/ethersmarket.ts'), openLines()])
  const { datastore, slab, release } = await openDataFolder(dataDir)
  try {
    const market = await EthersMarket.open({ ...parts, lines, key, datastore }, settings, options)
    try {
      return await work(market)
    } finally {
      await market.stop()
    }
  } finally {
    await slab.close()
    await datastore.close()
    await release()
  }
}

async function keep(key: NodeKey, path: string, password: string): Promise<string> {
  // Deriving the key takes a second: before that, say so if it is in vain.
  const place = keystoreFile(path)
  if ((await place.read()) !== undefined)
    throw new CodexError('wallet/exists', `${path} holds a key already; choose another file with --keystore`, {
      detail: { path },
    })
  await place.write(await key.toKeystore(password, secureRandom))
  return key.address
}

/** What the circuit takes, as documents have it. */
export type ProofInputsDocument = ProofInputsJson

/** @throws CodexError as `slots` has it */
export async function proofInputsDocument(inputs: SlotInputs): Promise<ProofInputsDocument> {
  return (await import('./slots/proofinputs.ts')).proofInputsJson(inputs)
}

async function openLines() {
  return (await import('./platform/nodejs/nodelines.ts')).nodeLines
}

function secureRandom(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count))
}
