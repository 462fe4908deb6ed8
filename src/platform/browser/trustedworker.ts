// A Worker for pages whose policy demands trusted script addresses (`require-trusted-types-for 'script'`). It runs files of this origin only.

import { assert } from '../../lib/errors.ts'

/** The only policy such a page has to allow: `trusted-types codex-light`. */
export const TRUSTED_TYPES_POLICY = 'codex-light'

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL }
}

let policy: { createScriptURL(url: string): URL } | undefined

/**
 * Import it as `Worker`, because bundlers find a worker's script only where `new Worker(new URL(…, import.meta.url), …)` is written out.
 */
export class TrustedWorker extends Worker {
  constructor(url: URL, options?: WorkerOptions) {
    super(trusted(url), options)
  }
}

function trusted(url: URL): URL {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
  if (trustedTypes === undefined) return url
  policy ??= trustedTypes.createPolicy(TRUSTED_TYPES_POLICY, { createScriptURL: ownScript })
  return policy.createScriptURL(url.href)
}

function ownScript(url: string): string {
  assert(
    new URL(url).origin === globalThis.location.origin,
    `a worker's script comes from this origin, not from ${url}`,
  )
  return url
}
