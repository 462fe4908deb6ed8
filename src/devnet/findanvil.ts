// Finds the executable of the EVM node that npm installed for this platform. The package's own launcher is not used: it starts a
// process in between, and where the platform's package is missing it wants to download one.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import process from 'node:process'
import { CodexError } from '../lib/errors.ts'

/** The package's words for what Node calls `x64`. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

export interface Platform {
  /** As `process.platform` and `process.arch` say it. */
  readonly platform: string
  readonly arch: string
}

/** @returns the path of the executable @throws CodexError `devnet/no-anvil` where npm has installed none for this platform */
export function findAnvil({ platform, arch }: Platform = process): string {
  const platformPackage = `@foundry-rs/anvil-${platform}-${ARCHITECTURES[arch] ?? arch}`
  try {
    // From the package that depends on it: package managers need not put it where we could see it.
    const launcher = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
    const path = createRequire(launcher).resolve(`${platformPackage}/bin/anvil${platform === 'win32' ? '.exe' : ''}`)
    if (existsSync(path)) return path
    throw new Error(`found no file ${path}`)
  } catch (cause) {
    const message =
      `expected the optional package ${platformPackage} with an EVM node for ${platform} ${arch}, found none; ` +
      'install with optional packages, on linux, darwin (x64, arm64) or win32 (x64)'
    throw new CodexError('devnet/no-anvil', message, { detail: { platform, arch, package: platformPackage }, cause })
  }
}
