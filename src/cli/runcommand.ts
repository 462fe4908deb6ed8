// One run of the command: read argv, load the verb, let it work, say how it ended. What verbs do is in their files.

import process from 'node:process'
import { version } from '../../package.json'
import { CodexError } from '../lib/errors.ts'
import type { ConfigFile } from './configfile.ts'
import type { ExitCode } from './exitcodes.ts'
import { EXIT } from './exitcodes.ts'
import { watchInterrupts } from './interrupts.ts'
import type { RawOptions } from './option.ts'
import { checkConfigFile, checkEnvironment, configured, findVerb, parseArguments, parseCommon } from './parsecommand.ts'
import { configPath, readSettings } from './settings.ts'
import { Terminal, type TerminalParts } from './terminal.ts'

/**
 * Never rejects. Settles when nothing of the verb runs any more.
 * @param argv what stands behind the command's name @param dist the folder of the executable @param streams those of the process by default
 */
export async function runCommand(
  argv: readonly string[],
  dist: URL,
  { stdout, stderr }: Pick<TerminalParts, 'stdout' | 'stderr'> = process,
): Promise<ExitCode> {
  const controller = new AbortController()
  const terminal = new Terminal({
    stdout,
    stderr,
    json: asksForJson(argv),
    colour: (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
    outputClosed: (reason) => controller.abort(reason),
  })
  const stopWatching = watchInterrupts(controller)
  const run: Run = { argv, dist, terminal, signal: controller.signal, logLevel: undefined }
  try {
    return await perform(run)
  } catch (error) {
    const { reportError, tellsCauses } = await import('./reporterror.ts')
    return await reportError(error, terminal, tellsCauses(run.logLevel))
  } finally {
    stopWatching()
  }
}

interface Run {
  readonly argv: readonly string[]
  readonly dist: URL
  readonly terminal: Terminal
  readonly signal: AbortSignal
  /** As it was given; known once the settings are. */
  logLevel: string | undefined
}

async function perform(run: Run): Promise<ExitCode> {
  const { argv, dist, terminal, signal } = run
  const found = findVerb(argv)
  if (found === undefined) {
    const { help, version: asksVersion } = parseCommon(argv)
    if (asksVersion === true) return await printVersion(terminal)
    if (help === true) return await printHelp(terminal)
    throw new CodexError('cli/no-verb', 'expected a verb, found none; see codex-light --help')
  }
  const verb = await found.entry.load()
  const { raw, operands } = parseArguments(found, verb)
  if (raw['help'] === true) {
    const { verbHelpText } = await import('./helptext.ts')
    return await print(terminal, await verbHelpText(found.entry, verb, process.env))
  }
  if (raw['version'] === true) return await printVersion(terminal)
  const sources = { raw, env: process.env, file: await configFile(raw) }
  const settings = readSettings(sources)
  if (verb.isConfigurable === true) {
    checkEnvironment(found.entry, verb, process.env)
    checkConfigFile(found.entry, verb, sources.file)
  }
  run.logLevel = settings['log-level'].given
  return (
    (await verb.run(verb.isConfigurable === true ? configured(raw, verb.options, sources) : raw, {
      operands,
      settings,
      terminal,
      signal,
      dist,
    })) ?? EXIT.ok
  )
}

/** Loaded only where one is named: most calls have none. */
async function configFile(raw: RawOptions): Promise<ConfigFile | undefined> {
  const path = configPath(raw, process.env)
  return path === undefined ? undefined : (await import('./configfile.ts')).readConfigFile(path)
}

async function printHelp(terminal: Terminal): Promise<ExitCode> {
  const { helpText } = await import('./helptext.ts')
  return await print(terminal, await helpText(process.env))
}

async function printVersion(terminal: Terminal): Promise<ExitCode> {
  await terminal.answer({ version }, version)
  return EXIT.ok
}

async function print(terminal: Terminal, help: string): Promise<ExitCode> {
  await terminal.answer({ help }, help)
  return EXIT.ok
}

/** Asked before argv is read, because an error in reading it is answered in the form that was asked for. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? undefined : end).includes('--json')
}
