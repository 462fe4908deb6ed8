// What the figures were measured on.

import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly node: string
  /** As the browser names itself, when one took part. */
  readonly chromium?: string
}

/** @param browser its file, when one takes part */
export function machine(browser?: { readonly executablePath: string; readonly env?: Record<string, string> }): Machine {
  const processors = cpus()
  const described = {
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    node: process.versions.node,
  }
  if (browser === undefined) return described
  const version = execFileSync(browser.executablePath, ['--version'], {
    encoding: 'utf8',
    env: browser.env ?? process.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return { ...described, chromium: /[A-Z]\w+(?: [A-Z]\w+)* [\d.]+/.exec(version)?.[0] ?? version.trim() }
}
