// start: a node that runs until it is told to stop. It stores, serves peers, fetches for REST, and bridges tabs; the marketplace is no part of it yet.

import process from 'node:process'
import { version } from '../../package.json'
import type { BridgeSettings } from '../bridge/openbridge.ts'
import { admitting, bridgedSettings, openBridge } from '../bridge/openbridge.ts'
import { raceAbort } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { LogLevels } from '../lib/loglevels.ts'
import { readSecret } from '../nodejs.ts'
import { NewsHub } from '../rest/newshub.ts'
import { startRest } from '../rest/startrest.ts'
import { newToken, removeEndpoint, writeEndpoint } from './endpointfile.ts'
import type { OptionValues } from './option.ts'
import { count, flag, list, size, text } from './option.ts'
import { REFUSED_OPTIONS } from './refusedoptions.ts'
import { table } from './table.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import { openFolder } from './withnode.ts'

/** Whatever has not ended by then is left behind: the store takes a kill at any moment. */
const STOP_MS = 4500

const OPTIONS = {
  bridge: flag('let tabs in over WebSocket and get blocks for them from peers'),
  'bridge-origin': list(
    'ORIGIN',
    'pages of this origin may use the bridge; those of this machine always may; * for all',
  ),
  'bridge-token-file': text('FILE', 'its first line is what tabs must know to come in'),
  'bridge-cache': size('what the bridge keeps for the next tab; 1 GiB without it'),
  'bridge-max-tabs': count('tabs at once; 64 without it'),
}

export const start = defineVerb({
  operands: { text: '', min: 0, max: 2 },
  about: `Runs the node of the data folder until Ctrl-C, which is its normal end: serves its data to peers, answers REST under
/api/codex/v1, and with --bridge lets browser tabs in over WebSocket. Other verbs on the same folder speak to it meanwhile.
Bound to loopback REST needs no token; bound elsewhere every request needs the one in api.json of the data folder.
Tabs come in at --listen-addrs ending in /ws, or at /ip4/127.0.0.1/tcp/8071/ws.`,
  options: OPTIONS,
  refuses: REFUSED_OPTIONS,
  isConfigurable: true,
  document: `{ peerId, addresses: [multiaddr], spr, api (URL), bridge: [multiaddr with peer id, for tabs] (empty without --bridge), pid };
printed when it runs`,
  async run(options, call) {
    refuseMarket(call)
    await runNode(options, call)
    return undefined
  },
})

/** Settles when the node runs no more. */
async function runNode(options: OptionValues<typeof OPTIONS>, call: Call): Promise<void> {
  const { settings, terminal, signal } = call
  const bridge = await bridgeSettings(options)
  const joining = {
    listen: await settings['listen-addrs'].value(),
    bootstrap: await settings['bootstrap-node'].value(),
    admit: admitting(bridge),
  }
  const levels = new LogLevels(settings['log-level'].given)
  const hub = new NewsHub()
  const { node, log, dataDir, clock } = await openFolder(settings, terminal, levels, [hub.sink])
  const startedAt = clock.now()
  const undo: (() => Promise<unknown>)[] = [() => node.stop()]
  try {
    await node.start({ signal })
    const network = await node.join(options.bridge === true ? bridgedSettings(joining, bridge) : joining, { signal })
    const bridged = options.bridge === true ? await openBridge(node, bridge) : []
    const token = newToken()
    const rest = await startRest(
      {
        node,
        network,
        log: log.topic('rest'),
        levels,
        hub,
        clock,
        startedAt,
        version,
        dataDir,
        marketplace: { isWanted: false, parts: () => undefined },
      },
      {
        address: await settings['api-bindaddr'].value(),
        port: await settings['api-port'].value(),
        corsOrigin: settings['api-cors-origin'].given,
        token,
      },
    )
    undo.unshift(() => rest.stop())
    await writeEndpoint(dataDir, { url: localUrl(rest.url), token, pid: process.pid })
    undo.unshift(() => removeEndpoint(dataDir))
    const facts = {
      peerId: network.peerId,
      addresses: network.addresses(),
      spr: network.spr(),
      api: rest.url,
      bridge: bridged,
      pid: process.pid,
    }
    await terminal.answer(facts, startText(facts))
    await untilInterrupted(signal)
  } finally {
    await inTime(undo, call)
  }
}

/** The words that turn other nodes into providers, and the endpoint of a chain. @throws CodexError `cli/refused-option` */
function refuseMarket({ operands, settings }: Call): void {
  const [word] = operands
  const isKnown = operands.every((each) => each === 'persistence' || each === 'prover')
  if (!isKnown) throw new CodexError('cli/bad-operands', `start expects options only, found ${JSON.stringify(word)}`)
  const found = word ?? (settings['eth-provider'].source === 'flag' ? '--eth-provider' : undefined)
  if (found === undefined) return
  throw new CodexError(
    'cli/refused-option',
    `start does not take ${found}: the marketplace is not part of it yet; leave it out to run a storage node`,
    { detail: { option: found } },
  )
}

async function bridgeSettings(options: OptionValues<typeof OPTIONS>): Promise<BridgeSettings> {
  const file = options['bridge-token-file']
  const token = file === undefined ? undefined : (await readSecret(file)).split(/\r?\n/)[0]
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
  }
}

interface Facts {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly api: string
  readonly bridge: readonly string[]
}

function startText({ peerId, addresses, api, bridge }: Facts): string {
  return table([
    ['peer id', peerId],
    ...addresses.map((address) => ['reached at', `${address}/p2p/${peerId}`]),
    ...bridge.map((address) => ['tabs come in at', address]),
    ['REST', `${api}api/codex/v1`],
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

/** Ends all parts, the last first; what takes too long is not waited for. */
async function inTime(undo: readonly (() => Promise<unknown>)[], { terminal }: Call): Promise<void> {
  const hurry = setTimeout(() => {
    terminal.say('codex-light: something did not stop in time and is left behind')
    process.exit(process.exitCode ?? 0)
  }, STOP_MS)
  hurry.unref()
  try {
    for (const end of undo) await end()
  } finally {
    clearTimeout(hurry)
  }
}

/** For verbs of this machine, whatever address it is bound to. */
function localUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
