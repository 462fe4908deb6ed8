// The Web Lock of one node: it keeps a second tab of this origin from running the same node. It guards tabs, not data: the stores have laws of their own.

import { CodexError } from '../../lib/errors.ts'
import type { AbortOptions } from '../../lib/abort.ts'

const LOCK_PREFIX = 'codex-light/'

/** The name under which the browser knows the lock of the node `name`. */
export function webLockName(name: string): string {
  return `${LOCK_PREFIX}${name}`
}

/** A lock that is held until {@link WebLock.release}; the browser lets go of it when the tab ends, however it ends. */
export class WebLock {
  readonly #release: () => void
  readonly #released: Promise<unknown>

  private constructor(release: () => void, released: Promise<unknown>) {
    this.#release = release
    this.#released = released
  }

  /** The lock of the node `name`, or undefined while another tab has it. @throws CodexError `node/no-web-locks` */
  static tryToHold(name: string, locks?: LockManager): Promise<WebLock | undefined> {
    return WebLock.#request(name, { ifAvailable: true }, locks)
  }

  /** Waits in line until every tab before this one has let go. @throws CodexError `node/no-web-locks`, the signal's reason */
  static async waitInLine(name: string, { signal }: AbortOptions, locks?: LockManager): Promise<WebLock> {
    const lock = await WebLock.#request(name, { signal }, locks)
    // The browser grants a lock that was not asked for conditionally, or rejects.
    if (lock === undefined) throw new CodexError('node/no-web-locks', 'expected a lock, found none; reload this page')
    return lock
  }

  /** Settles once the next tab in line may go on. A second call is a no-op. */
  async release(): Promise<void> {
    this.#release()
    await this.#released
  }

  static #request(
    name: string,
    options: LockOptions,
    locks: LockManager | undefined = platformLocks(),
  ): Promise<WebLock | undefined> {
    if (locks === undefined) return Promise.reject(noWebLocks())
    return new Promise((resolve, reject) => {
      const released = locks.request(webLockName(name), options, (granted) => {
        if (granted === null) {
          resolve(undefined)
          return undefined
        }
        return new Promise<void>((release) => {
          // Deferred: `released` has its value only after `request` has returned, and a browser may call back at once.
          queueMicrotask(() => resolve(new WebLock(release, settled)))
        })
      })
      released.catch(reject)
      const settled = released.then(nothing, nothing)
    })
  }
}

/** Missing in old browsers, and in pages that are not served securely. */
function platformLocks(): LockManager | undefined {
  return (navigator as { readonly locks?: LockManager }).locks
}

function noWebLocks(): CodexError<'node/no-web-locks'> {
  const message =
    'expected a browser with Web Locks, found none: open this page over https or on localhost, in a current browser'
  return new CodexError('node/no-web-locks', message)
}

function nothing(): void {}
