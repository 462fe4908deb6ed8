// Opens the node of the data folder for the length of one piece of work. The node's own log lines go to stderr.

import { Log, type LogRecord, type LogSink } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import type { PlainObject } from '../lib/plainvalue.ts'
import { SystemClock } from '../lib/systemclock.ts'
import { openNode } from '../nodejs.ts'
import { adviceFor } from './advicefor.ts'
import { dataFolder, type Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export type LocalNode = Awaited<ReturnType<typeof openNode>>

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

/** @returns what `work` returns, once the folder is let go @throws CodexError `node/folder-in-use`, as `openNode`, and what `work` throws */
export async function withNode<T>(
  { settings, terminal, signal }: NodeUse,
  purpose: Purpose,
  work: (node: LocalNode) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const clock = new SystemClock()
  const levels = new LogLevels(settings['log-level'].given)
  const node = await openNode({
    dataDir: await dataFolder(settings),
    clock,
    log: new Log({ clock, levels, sinks: [await logSink(settings, terminal)] }),
    quotaBytes: settings['storage-quota'].given,
    blockTtlSeconds: settings['block-ttl'].given,
    intervalSeconds: settings['block-mi'].given,
    blocksPerRun: settings['block-mn'].given,
  })
  try {
    if (purpose === 'change') await node.start({ signal })
    return await work(node)
  } finally {
    await node.stop()
  }
}

/** Where the log lines of a verb go. */
export async function logSink(settings: Settings, terminal: Terminal): Promise<LogSink> {
  const { formatJson, formatText } = await import('../lib/logformat.ts')
  const wanted = settings['log-format'].given ?? 'auto'
  const format = wanted === 'json' || (wanted === 'auto' && !terminal.attended) ? formatJson : formatText
  return (record) => terminal.say(format(advised(record)))
}

/** With the command that helps, where there is one. */
function advised(record: LogRecord): LogRecord {
  const error = record.fields['error']
  const advice = typeof error === 'object' && error !== null ? adviceFor((error as PlainObject)['code']) : undefined
  return advice === undefined ? record : { ...record, fields: { ...record.fields, advice } }
}
