// A real disk of a few MiB, to be filled: a tmpfs that is mounted for one test. Linux only, and only where the tests may mount.

import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { MiB } from '../../src/lib/units.ts'
import type { Bytes } from '../../src/lib/units.ts'

export interface SmallDisk {
  readonly folder: string
  /** Takes every byte that is left, with a file of its own. */
  fill(): void
  /** Removes that file. */
  empty(): void
}

/** Is gone when the test is over, however it ends. Skips the test, and says why, where nothing can be mounted. */
export function smallDisk({ skip, onTestFinished }: TestContext, sizeBytes: Bytes): SmallDisk {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    skip('needs a disk that can be filled: run as root on Linux, where a tmpfs can be mounted')
  const folder = mkdtempSync(join(tmpdir(), 'codex-light-disk-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    skip(`needs a disk that can be filled, and mounting a tmpfs is refused here: ${String(error)}`)
  }
  // Lazily, so that a process that still runs cannot keep it.
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  const filler = join(folder, 'filler')
  return { folder, fill: () => fillUp(filler), empty: () => rmSync(filler, { force: true }) }
}

function fillUp(path: string): void {
  const file = openSync(path, 'a')
  try {
    for (let size: Bytes = MiB; size >= 1;)
      try {
        if (writeSync(file, new Uint8Array(size)) < size) size = Math.floor(size / 2)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size = Math.floor(size / 2)
      }
  } finally {
    closeSync(file)
  }
}
