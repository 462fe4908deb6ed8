// How long the command takes to say anything, beside Node doing nothing.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import type { Bench, Place, Sample } from './harness.ts'

export const bench: Bench = {
  name: 'coldstart',
  title: '`codex-light space --json`',
  peerTitle: '`node -e 0`',
  rounds: 21,
  figures: [{ key: 'ms', unit: 'ms', title: 'cold start', goal: { of: 'ratio', atMost: 2.5 } }],
  // Once unmeasured, so that both find their files in the page cache and the data folder exists.
  prepare: async (place) => {
    timed(commandLine(place))
    timed(NOTHING)
  },
  sides: { ours: async (place) => timed(commandLine(place)), peer: async () => timed(NOTHING) },
}

const NOTHING = ['-e', '0']

function commandLine({ root, folder }: Place): readonly string[] {
  return [join(root, 'dist/cli.js'), 'space', '--json', '--data-dir', join(folder, 'data')]
}

function timed(args: readonly string[]): Sample {
  const begin = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const ms = performance.now() - begin
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr}`)
  return { ms }
}
