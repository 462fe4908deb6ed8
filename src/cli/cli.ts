#!/usr/bin/env node
// The executable `codex-light`: hands the process to runcommand.ts and passes its exit code on. Nothing else is decided here.

import { setMaxListeners } from 'node:events'
import * as module from 'node:module'
import process from 'node:process'
import { runCommand } from './runcommand.ts'

// Node 22 and later keep compiled code between starts; older ones lack the function.
;(module as { enableCompileCache?: () => unknown }).enableCompileCache?.()
// Every sale and worker hears the signal that ends the node: many listeners are no leak here, and nobody is warned of one.
setMaxListeners(0)

process.exitCode = await runCommand(process.argv.slice(2), new URL('.', import.meta.url))
