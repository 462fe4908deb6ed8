// start: a node that runs until it is told to stop. It stores, serves peers, answers REST, bridges tabs, and with a chain sells, buys and validates.

import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { version } from '../../package.json'
import type { BridgeSettings } from '../bridge/openbridge.ts'
import { bridgedSettings, openBridge } from '../bridge/openbridge.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import { admitting, readSecret } from '../nodejs.ts'
import { marketplaceOf, tellNews } from '../rest/marketplaceof.ts'
import { isReachable } from '../rest/listen.ts'
import { NewsHub } from '../rest/newshub.ts'
import { startMetrics } from '../rest/startmetrics.ts'
import { startRest } from '../rest/startrest.ts'
import { endInTime } from './endintime.ts'
import { endpointPath, newToken, removeEndpoint, writeEndpoint } from './endpointfile.ts'
import type { OptionValues } from './option.ts'
import { REFUSED_OPTIONS } from './refusedoptions.ts'
import { openNodePage } from './servepage.ts'
import { REVISION } from './revision.ts'
import { keepHeapSmall } from './smallheap.ts'
import { idleOptions, START_OPTIONS, type StartWords, startWords } from './startoptions.ts'
import { SETTING_NAMES } from './settings.ts'
import { table } from './table.ts'
import { type Trading, tradingOf, wantsMarket } from './tradesettings.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import { type LocalNode, openFolder } from './withnode.ts'

/** Nobody guesses so many. */
const SAFE_TOKEN_CHARS = 16
const DEFAULT_METRICS_ADDRESS = '127.0.0.1'
const DEFAULT_METRICS_PORT = 8008

export const start = defineVerb({
  operands: { text: '[persistence] [prover]', min: 0, max: 2 },
  about: `Runs the node of the data folder until Ctrl-C, which is its normal end: serves its data to peers, answers REST under
/api/codex/v1, and with --bridge lets browser tabs in over WebSocket. Other verbs on the same folder speak to it meanwhile.
Bound to loopback REST needs no token, unless --api-token gives one; bound elsewhere, or with --api-host, every request needs it, and so does one that a proxy of this machine passes on. Without --api-token
it is the one in api.json of the data folder, which rows under /api/v1 want anyway. Tabs come in at --listen-addrs ending in /ws, or at /ip4/127.0.0.1/tcp/8071/ws.
With --eth-provider and a key it takes part in the marketplace: it buys, with circuit files it sells, with --validator it marks proofs that
others missed. Nothing is sold before availability add says what for. persistence and prover are understood as words: persistence wants a
chain and keeps terms of sale, though without circuit files no slots are taken; prover wants circuit files too. Every option may also stand in the environment (CODEX_LIGHT_…) and in the file of --config-file.`,
  options: START_OPTIONS,
  refuses: REFUSED_OPTIONS,
  isConfigurable: true,
  settings: SETTING_NAMES,
  examples: [
    'codex-light start --bootstrap-node PEER --listen-addrs /ip4/0.0.0.0/tcp/8070',
    'codex-light start persistence prover --eth-provider URL --password-file PASSWORD --circuit https://circuit.codex.storage/proving-key/ --bootstrap-node PEER',
  ],
  document: `{ peerId, addresses: [multiaddr], spr, api (URL), page (URL of the page that shows this node, or null), bridge: [multiaddr with peer id, for tabs] (empty without --bridge), pid,
metrics (URL or null), roles: ["client" | "provider" | "validator"], host (address or null), circuitCheck (what was checked of the circuit, or null), tokenFile (where the token is, beside the endpoint) };
printed when it runs`,
  async run(options, call) {
    await runNode(options, startWords(call.operands), call)
    return undefined
  },
})

/** Settles when the node runs no more. */
async function runNode(options: OptionValues<typeof START_OPTIONS>, words: StartWords, call: Call): Promise<void> {
  const { settings, terminal, signal } = call
  const isTrading = wantsMarket(options, words, call)
  for (const sentence of idleOptions(options, isTrading, settings)) terminal.say(`codex-light: ${sentence}`)
  const hosts = checkedHosts(options['api-host'])
  const metricsAt = options.metrics === true ? [metricsPlace(options).address] : []
  const isOpen = [await settings['api-bindaddr'].value(), ...metricsAt].some((address) =>
    isReachable({ address, hosts }),
  )
  const apiToken = await givenToken(options, isOpen)
  if (apiToken !== undefined && apiToken.length < SAFE_TOKEN_CHARS)
    terminal.say(
      `codex-light: a token of fewer than ${SAFE_TOKEN_CHARS} characters may be guessed by programs of this machine; beyond loopback it would be refused`,
    )
  const bridge = await bridgeSettings(options)
  // What is wrong with key and roles is said before the folder is opened.
  const trading = await tradingOf(options, words, call)
  const joining = {
    listen: await settings['listen-addrs'].value(),
    bootstrap: await settings['bootstrap-node'].value(),
    admit: admitting(bridge),
  }
  if (options.bridge === true && joining.bootstrap.length === 0)
    terminal.say('codex-light: this bridge knows no peer of its own to get blocks from: name one with --bootstrap-node')
  keepHeapSmall()
  const levels = new LogLevels(settings['log-level'].given)
  const hub = new NewsHub()
  const { node, log, dataDir, clock } = await openFolder(settings, terminal, levels, [hub.sink])
  const undo: (() => Promise<unknown>)[] = [() => node.stop()]
  const startedAt = clock.now()
  let failure: unknown
  try {
    await node.start({ signal })
    if (trading === undefined) await tellUnproven(node, { terminal, signal })
    const network = await node.join(options.bridge === true ? bridgedSettings(joining, bridge) : joining, { signal })
    const bridged = options.bridge === true ? await openBridge(node, bridge) : []
    tellNews(node, hub, signal)
    const token = apiToken ?? newToken()
    const marketplace = marketplaceOf(node, trading !== undefined)
    const parts = {
      node,
      network,
      log: log.topic('rest'),
      levels,
      hub,
      clock,
      startedAt,
      version,
      revision: REVISION,
      dataDir,
      marketplace,
    }
    const page = await pageOf(call)
    const rest = await startRest(parts, {
      address: await settings['api-bindaddr'].value(),
      port: await settings['api-port'].value(),
      hosts,
      corsOrigins: settings['api-cors-origin'].given,
      token,
      wantsToken: apiToken !== undefined,
      page,
    })
    undo.unshift(() => rest.stop())
    const metrics =
      options.metrics === true ? await startMetrics(parts, { ...metricsPlace(options), hosts, token }) : undefined
    if (metrics !== undefined) undo.unshift(() => metrics.stop())
    await writeEndpoint(dataDir, { url: localUrl(rest.url), token, pid: process.pid })
    undo.unshift(() => removeEndpoint(dataDir))
    const trade = trading && (await enter(node, trading, { dataDir, log, terminal, signal }))
    const facts = {
      peerId: network.peerId,
      addresses: network.addresses(),
      spr: network.spr(),
      api: rest.url,
      page: page === undefined ? null : rest.url,
      bridge: bridged,
      pid: process.pid,
      metrics: metrics === undefined ? null : `${metrics.url}metrics`,
      roles: trade?.roles ?? [],
      host: trade?.host ?? null,
      circuitCheck: trade?.check ?? null,
      tokenFile: endpointPath(dataDir),
    }
    await terminal.answer(facts, startText(facts))
    await untilInterrupted(signal)
  } catch (error) {
    failure = error
  }
  await endInTime(undo, failure, call)
}

/** Enters the marketplace, for as long as the chain takes to answer. REST answers meanwhile. */
async function enter(
  node: LocalNode,
  trading: Trading,
  {
    dataDir,
    log,
    terminal,
    signal,
  }: Pick<Call, 'terminal' | 'signal'> & { readonly dataDir: string; readonly log: Log },
) {
  const { trade, check } = await trading.settings(dataDir, (problem) => node.tellWaiting(problem))
  if (check !== undefined) log.info(check)
  if (trade.provider === undefined) await tellUnproven(node, { terminal, signal })
  const { market, client, provider, validator } = await node.enter(trade, { signal })
  const roles = Object.entries({ client, provider, validator }).flatMap(([role, part]) =>
    part === undefined ? [] : [role],
  )
  log.info('the marketplace was entered', { host: market.host, chainId: market.chainId, roles })
  return { roles, host: market.host, check }
}

/** Slots of an earlier run that this one does not prove: whoever started it hears of the money. */
async function tellUnproven(node: LocalNode, { terminal, signal }: Pick<Call, 'terminal' | 'signal'>): Promise<void> {
  const alert = await node.tellUnproven({ signal })
  if (alert !== undefined)
    terminal.say(`codex-light: ${alert.cause}; at stake: ${alert.atStake} base units. ${alert.action}`)
}

/** Undefined where it was not built: a node is a node without it. */
async function pageOf({ dist, terminal }: Call): Promise<Awaited<ReturnType<typeof openNodePage>> | undefined> {
  try {
    return await openNodePage(fileURLToPath(new URL('web/', dist)))
  } catch (error) {
    if (!CodexError.is(error, 'page/not-built')) throw error
    terminal.say(`codex-light: no page is served: ${error.message}`)
    return undefined
  }
}

function metricsPlace(options: OptionValues<typeof START_OPTIONS>) {
  return {
    address: options['metrics-address'] ?? DEFAULT_METRICS_ADDRESS,
    port: options['metrics-port'] ?? DEFAULT_METRICS_PORT,
  }
}

/** @param isOpen whether others than this machine may try tokens @throws CodexError `cli/bad-value`, and as {@link readSecret} */
async function givenToken(options: OptionValues<typeof START_OPTIONS>, isOpen: boolean): Promise<string | undefined> {
  const file = options['api-token-file']
  const from = file === undefined ? '--api-token' : '--api-token-file'
  if (file !== undefined && options['api-token'] !== undefined)
    throw new CodexError('cli/bad-value', '--api-token-file: expected no --api-token beside it', { detail: { from } })
  const token = file === undefined ? options['api-token'] : (await readSecret(file, 'token')).split(/\r?\n/)[0]
  const least = isOpen ? SAFE_TOKEN_CHARS : 1
  if (token === undefined || (/^[\x21-\x7e]{1,256}$/.test(token) && token.length >= least)) return token
  throw new CodexError('cli/bad-value', `${from}: expected ${least} to 256 printable characters without blanks`, {
    detail: { from },
  })
}

/** @throws CodexError `cli/bad-value` */
function checkedHosts(hosts: readonly string[] = []): readonly string[] {
  const wrong = hosts.find((host) => !/^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])$/i.test(host))
  if (wrong === undefined) return hosts
  throw new CodexError(
    'cli/bad-value',
    `--api-host: expected a name or an address without scheme and port, found ${JSON.stringify(wrong)}`,
    { detail: { from: '--api-host' } },
  )
}

async function bridgeSettings(options: OptionValues<typeof START_OPTIONS>): Promise<BridgeSettings> {
  const file = options['bridge-token-file']
  const token = file === undefined ? undefined : (await readSecret(file, 'token')).split(/\r?\n/)[0]
  if (token !== undefined && !/^[\w.~-]{8,128}$/.test(token))
    throw new CodexError(
      'cli/bad-value',
      '--bridge-token-file: expected a first line of 8 to 128 letters, digits and . _ ~ -',
      { detail: { from: '--bridge-token-file' } },
    )
  return {
    origins: options['bridge-origin'],
    token,
    cacheBytes: options['bridge-cache'],
    maxTabs: options['bridge-max-tabs'],
    proxies: options['bridge-proxy'],
  }
}

interface Facts {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly api: string
  readonly page: string | null
  readonly bridge: readonly string[]
  readonly metrics: string | null
  readonly roles: readonly string[]
  readonly host: string | null
  readonly tokenFile: string
}

function startText({ peerId, addresses, api, page, bridge, metrics, roles, host, tokenFile }: Facts): string {
  return table([
    ['peer id', peerId],
    ...addresses.map((address) => ['reached at', `${address}/p2p/${peerId}`]),
    ...bridge.map((address) => ['tabs come in at', address]),
    ['REST', `${api}api/codex/v1`],
    ...(page === null ? [] : [['page', page]]),
    ['its token', tokenFile],
    ...(metrics === null ? [] : [['metrics', metrics]]),
    ...(host === null ? [] : [['marketplace', `${roles.join(', ')} as ${host}`]]),
    ['', 'Ctrl-C ends.'],
  ])
}

async function untilInterrupted(signal: AbortSignal): Promise<void> {
  try {
    await raceAbort(new Promise<never>(() => undefined), signal)
  } catch (error) {
    // Its normal end; that nobody reads what it printed is none.
    if (CodexError.is(error, 'cli/interrupted')) return
    throw error
  }
}

/** For verbs of this machine, whatever address it is bound to. */
function localUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
