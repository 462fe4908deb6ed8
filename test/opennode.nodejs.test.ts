import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { Log } from '../src/lib/log.ts'
import { LogLevels } from '../src/lib/loglevels.ts'
import { ManualClock } from '../src/lib/manualclock.ts'
import { openNode } from '../src/nodejs.ts'

test('bad settings are refused, and do not keep the folder', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-settings-'))
  const clock = new ManualClock(1_700_000_000)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  try {
    await expect(openNode({ dataDir, clock, log, quotaBytes: 0.5 })).rejects.toMatchObject({ code: 'units/not-a-size' })
    await (await openNode({ dataDir, clock, log })).stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
