// A verb of the command line: what it takes, what it answers, and the work. Reading argv and catching errors happen around it.

import type { ExitCode } from './exitcodes.ts'
import type { OptionTable, OptionValues, RawOptions } from './option.ts'
import { readOptions } from './option.ts'
import type { SettingName, Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export interface Call {
  /** As many as {@link VerbParts.operands} allows. */
  readonly operands: readonly string[]
  readonly settings: Settings
  readonly terminal: Terminal
  /** Aborts on Ctrl-C and when nobody reads our output any more. */
  readonly signal: AbortSignal
  /** The folder that the executable lies in, with what was built beside it. */
  readonly dist: URL
}

export interface VerbParts<Table extends OptionTable> {
  /** What stands behind the verb: how help writes it, how many at least and at most. */
  readonly operands?: { readonly text: string; readonly min: number; readonly max: number }
  /** Sentences for `--help`. */
  readonly about: string
  readonly options: Table
  /** The settings that it uses beside those that every verb does. */
  readonly settings?: readonly SettingName[]
  /** Whole calls, one or two, for `--help`. */
  readonly examples: readonly string[]
  /** Options that others know under these names, and why they are not honoured. */
  readonly refuses?: ReadonlyMap<string, string>
  /** Whether environment and file may give its options too. */
  readonly isConfigurable?: boolean
  /** The shape of the document that `--json` prints, for `--help`. */
  readonly document: string
  /** @returns the exit code when it is not 0 */
  run(options: OptionValues<Table>, call: Call): Promise<ExitCode | undefined>
}

/** A verb whose option types are its own affair. */
export interface Verb extends Omit<VerbParts<OptionTable>, 'run'> {
  run(raw: RawOptions, call: Call): Promise<ExitCode | undefined>
}

export function defineVerb<const Table extends OptionTable>(parts: VerbParts<Table>): Verb {
  return { ...parts, run: (raw, call) => parts.run(readOptions(parts.options, raw), call) }
}
