// Locks that many tabs hold at the same time, so that none takes away what another reads. The browser lets go of those of a tab that ends, however it ends.

/** Waits while somebody is about to remove it. @returns what lets go; a second call is a no-op. Without Web Locks nothing is held */
export async function holdShared(name: string): Promise<() => void> {
  const locks = platformLocks()
  if (locks === undefined) return () => {}
  return new Promise((resolve, reject) => {
    locks
      .request(name, { mode: 'shared' }, () => new Promise<void>((release) => resolve(release)))
      .catch((error: unknown) => reject(error as Error))
  })
}

/** Does `act` unless somebody holds the lock. Without Web Locks nobody can tell, so it does nothing. @returns whether it was done */
export async function whileNobodyHolds(name: string, act: () => Promise<void>): Promise<boolean> {
  const locks = platformLocks()
  if (locks === undefined) return false
  return locks.request(name, { ifAvailable: true }, async (granted) => {
    if (granted === null) return false
    await act()
    return true
  })
}

/** Missing in old browsers, and in pages that are not served securely. */
function platformLocks(): LockManager | undefined {
  return (navigator as { readonly locks?: LockManager }).locks
}
