// A small process between ours and a child of ours, so that the child never outlives us, not even when we are killed with -9: the
// keeper notices that our end of its stdin is gone, which needs nobody to say so. It knows nothing about the child.

import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'

/** How long a child may take to end by itself before it is killed. */
const GRACE_MS = 2_000

/** Runs in Node as it stands (`node -e`), so that neither a bundle nor a test needs a file for it. First line out: the child's process id. */
const KEEPER = `
const { spawn } = require('node:child_process')
const [command, ...args] = process.argv.slice(1)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true })
let ending = false
const end = () => {
  if (ending) return
  ending = true
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), ${GRACE_MS}).unref()
}
child.on('error', (error) => {
  console.error(String(error))
  process.exit(127)
})
child.on('exit', (code, signal) => process.exit(ending ? 0 : (code ?? (signal === null ? 1 : 128))))
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end)
process.stdout.on('error', end)
process.stdin.on('end', end).on('error', end).resume()
console.log(child.pid ?? 0)
`

export interface Kept {
  /** stdout and stderr are the child's, after one line with its process id; ending stdin ends the child, then the keeper. */
  readonly keeper: ChildProcess
  /** Kills the child of that process id, should its keeper have been killed alone. */
  killOrphan(pid: number): void
}

/** Starts `command` under a keeper. It is in a process group of its own: Ctrl-C in a terminal reaches us, and we end it in order. */
export function spawnKept(command: string, args: readonly string[]): Kept {
  const env = { ...process.env }
  delete env['NODE_OPTIONS']
  const keeper = spawn(process.execPath, ['-e', KEEPER, command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    windowsHide: true,
    env,
  })
  // It may be gone before we end its stdin.
  keeper.stdin.on('error', () => undefined)
  return {
    keeper,
    killOrphan(pid) {
      try {
        if (pid > 0) process.kill(pid, 'SIGKILL')
      } catch {
        // It is gone, which is what was wanted.
      }
    },
  }
}
