// The node of the data folder for the length of one piece of work: the one that runs there, where that will do, or else one opened here. The node's own
// log lines go to stderr.

import type { Clock } from '../lib/clock.ts'
import { Log, type LogRecord, type LogSink } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import type { PlainObject } from '../lib/plainvalue.ts'
import { SystemClock } from '../lib/systemclock.ts'
import type { NodejsNode } from '../nodejs.ts'
import { openNode } from '../nodejs.ts'
import { adviceFor } from './advicefor.ts'
import { readEndpoint } from './endpointfile.ts'
import { localAccess } from './localaccess.ts'
import type { NodeAccess } from './nodeaccess.ts'
import { dataFolder, type Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export type LocalNode = NodejsNode

export interface NodeUse {
  readonly settings: Settings
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/**
 * Whether work changes the store. Then the node is started first: it puts right what a crash left, and lets expired blocks go meanwhile.
 * Looking needs neither, and begins sooner.
 */
export type Purpose = 'look' | 'change'

/**
 * For work that a running node can do for us; without one the folder is opened here.
 * @returns what `work` returns, once the folder is let go
 * @throws CodexError as {@link withNode}, `node/not-reached`, and what `work` throws
 */
export async function withAccess<T>(
  use: NodeUse,
  purpose: Purpose,
  work: (node: NodeAccess) => Promise<T>,
): Promise<T> {
  use.signal.throwIfAborted()
  const endpoint = await readEndpoint(await dataFolder(use.settings))
  if (endpoint !== undefined) {
    const [{ remoteAccess }, { isAnswering }] = await Promise.all([
      import('./remoteaccess.ts'),
      import('./callnode.ts'),
    ])
    if (await isAnswering(endpoint, use)) return work(remoteAccess(endpoint))
  }
  const bootstrap = await use.settings['bootstrap-node'].value()
  return withNode(use, purpose, (node) => work(localAccess(node, bootstrap)))
}

/** @returns what `work` returns, once the folder is let go @throws CodexError `node/folder-in-use`, as `openNode`, and what `work` throws */
export async function withNode<T>(
  { settings, terminal, signal }: NodeUse,
  purpose: Purpose,
  work: (node: LocalNode) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const levels = new LogLevels(settings['log-level'].given)
  const { node } = await openFolder(settings, terminal, levels)
  try {
    if (purpose === 'change') await node.start({ signal })
    return await work(node)
  } finally {
    await node.stop()
  }
}

/** The node of the settings' folder, not started. @param levels may be changed while it runs @param sinks take its log too @throws CodexError as `openNode` */
export async function openFolder(
  settings: Settings,
  terminal: Terminal,
  levels: LogLevels,
  sinks: readonly LogSink[] = [],
): Promise<{ readonly node: LocalNode; readonly log: Log; readonly dataDir: string; readonly clock: Clock }> {
  const clock = new SystemClock()
  const log = new Log({ clock, levels, sinks: [await logSink(settings, terminal), ...sinks] })
  const dataDir = await dataFolder(settings)
  const node = await openNode({
    dataDir,
    clock,
    log,
    quotaBytes: settings['storage-quota'].given,
    blockTtlSeconds: settings['block-ttl'].given,
    intervalSeconds: settings['block-mi'].given,
    blocksPerRun: settings['block-mn'].given,
  })
  return { node, log, dataDir, clock }
}

/** Where the log lines of a verb go. */
export async function logSink(settings: Settings, terminal: Terminal): Promise<LogSink> {
  const { formatJson, formatText } = await import('../lib/logformat.ts')
  const wanted = settings['log-format'].given ?? 'auto'
  if (wanted === 'none') return () => undefined
  const format = wanted === 'json' || (wanted === 'auto' && !terminal.attended) ? formatJson : formatText
  return (record) => terminal.say(format(advised(record)))
}

/** With the command that helps, where there is one. */
function advised(record: LogRecord): LogRecord {
  const error = record.fields['error']
  const advice = typeof error === 'object' && error !== null ? adviceFor((error as PlainObject)['code']) : undefined
  return advice === undefined ? record : { ...record, fields: { ...record.fields, advice } }
}
