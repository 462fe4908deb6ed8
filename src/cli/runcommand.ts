// One run of the command: read argv, load the verb, let it work, say how it ended. What verbs do is in their files.

import process from 'node:process'
import { version } from '../../package.json'
import { CodexError } from '../lib/errors.ts'
import type { ConfigFile } from './configfile.ts'
import type { ExitCode } from './exitcodes.ts'
import { EXIT } from './exitcodes.ts'
import { watchInterrupts } from './interrupts.ts'
import type { RawOptions } from './option.ts'
import type { FoundGroup } from './parsecommand.ts'
import {
  checkConfigFile,
  checkEnvironment,
  configured,
  findVerb,
  helpCall,
  noVerb,
  parseArguments,
  parseCommon,
  withHelpWord,
} from './parsecommand.ts'
import { configPath, readSettings } from './settings.ts'
import type { VerbEntry } from './verbs.ts'
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
  const { dist, terminal, signal } = run
  const argv = withHelpWord(run.argv)
  const found = findVerb(argv)
  if (found === undefined) {
    const { help, version: asksVersion } = parseCommon(argv)
    if (asksVersion === true) return await printVersion(terminal)
    if (help === true) return await printHelp(terminal)
    throw new CodexError('cli/no-verb', 'expected a verb, found none; see codex-light --help')
  }
  if ('group' in found) return await runGroup(found, terminal)
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
  const given = verb.isConfigurable === true ? configured(raw, verb.options, sources) : raw
  try {
    return (await verb.run(given, { operands, settings, terminal, signal, dist })) ?? EXIT.ok
  } catch (error) {
    throw withHelpCall(error, found.entry)
  }
}

/** Where options or operands were wrong, says what tells of the right ones. */
function withHelpCall(error: unknown, { name }: VerbEntry): unknown {
  if (!CodexError.is(error) || !['cli/bad-option', 'cli/bad-operands', 'cli/bad-value'].includes(error.code))
    return error
  const { code, message, detail, cause } = error
  return new CodexError(code, `${message}; see ${helpCall(name)}`, { detail, cause })
}

/** A word that several verbs begin with: they are listed, and without --help it is an error. */
async function runGroup(found: FoundGroup, terminal: Terminal): Promise<ExitCode> {
  const { help, version: asksVersion } = parseCommon(found.rest, found.group)
  if (asksVersion === true) return await printVersion(terminal)
  const { groupHelpText } = await import('./helptext.ts')
  const text = groupHelpText(found.group, found.verbs)
  if (help === true) return await print(terminal, text)
  if (!terminal.json) terminal.say(`${text}\n`)
  throw noVerb(found)
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
