// A process that starts a local EVM node, says which processes that made, and waits to be killed.

import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { startAnvil } from '../../src/devnet/anvil.ts'

const { pid } = await startAnvil({ signal: new AbortController().signal })
const keeper = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
process.stdout.write(`${JSON.stringify({ keeper, node: pid })}\n`)
setInterval(() => undefined, 1_000_000)
