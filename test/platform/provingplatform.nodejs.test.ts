// The pools that provers take of Node go by the clock of whoever opens them.

import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type * as ProvingPlatformModule from '../../src/platform/nodejs/provingplatform.ts'
import { ABORT_PATIENCE } from '../../src/workers/pooledworker.ts'
import { bundleModule } from '../bundlemodule.ts'

const MODULE = fileURLToPath(new URL('../../src/platform/nodejs/provingplatform.ts', import.meta.url))

test('a job that does not end when it is aborted is waited for by the clock that was given', async () => {
  // Bundled, because the script of its threads lies beside it only then.
  const { href } = await bundleModule(MODULE)
  const { provingPlatform } = (await import(/* @vite-ignore */ href)) as typeof ProvingPlatformModule
  const clock = new ManualClock()
  const pool = provingPlatform(clock).openPool(1)
  const ending = new AbortController()
  let begun = (): void => undefined
  const running = new Promise<void>((resolve) => (begun = resolve))
  const stuck = pool
    .run(
      () => {
        begun()
        return new Promise<never>(() => undefined)
      },
      { signal: ending.signal, rank: 'duty' },
    )
    .catch((error: unknown) => error)
  await running
  ending.abort(new Error('enough'))
  await expect.poll(() => clock.waiting).toBe(1)
  clock.advance(ABORT_PATIENCE)
  expect(await stuck).toMatchObject({ message: 'enough' })
  await pool.close()
})
