// pause, resume and drain: whether the running node takes new slots.

import { SystemClock } from '../lib/systemclock.ts'
import type { Seconds } from '../lib/units.ts'
import { askNode } from './asknode.ts'
import { flag } from './option.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'

interface SellingFacts {
  /** Why nothing new is taken. */
  readonly holds: readonly string[]
  /** Slots being sold or held. */
  readonly running: number
}

const DOCUMENT = '{ holds: [why nothing new is taken] (empty while it sells), running (slots being sold or held) }'
/** Between two looks whether any slot is left. */
const LOOK_SECONDS: Seconds = 2

export const pause = defineVerb({
  about:
    'Has the running node take no new slots; those it holds are proven and collected as before. Lasts until resume, over restarts too.',
  options: {},
  examples: ['codex-light pause'],
  document: DOCUMENT,
  run: (_, call) => tell(call, 'pause'),
})

export const resume = defineVerb({
  about: 'Has the running node take new slots again.',
  options: {},
  examples: ['codex-light resume'],
  document: DOCUMENT,
  run: (_, call) => tell(call, 'resume'),
})

export const drain = defineVerb({
  about: `Has the running node finish what it holds and take nothing new, over restarts too, until resume. With --wait it answers when the last slot has ended, which may take as
long as the longest request.`,
  options: { wait: flag('until no slot is left') },
  examples: ['codex-light drain --wait'],
  document: DOCUMENT,
  async run({ wait }, call) {
    if (wait !== true) return tell(call, 'drain')
    const clock = new SystemClock()
    let found = await askNode<SellingFacts>(call, 'POST', 'drain')
    await call.terminal.progress({ label: 'waiting for slots to end' }, async (advance) => {
      while (found.running > 0) {
        advance(0, { label: `waiting for ${found.running} slots to end`, totalBytes: undefined })
        await clock.until(clock.now() + LOOK_SECONDS, call)
        found = { ...found, running: (await askNode<unknown[]>(call, 'GET', 'sales')).length }
      }
    })
    await call.terminal.answer(found, 'no slot is left, nothing new is taken')
    return undefined
  },
})

async function tell(call: Call, what: 'pause' | 'resume' | 'drain'): Promise<undefined> {
  const found = await askNode<SellingFacts>(call, 'POST', what)
  const { holds, running } = found
  const state = holds.length === 0 ? 'new slots are taken' : `nothing new is taken: ${holds.join(', ')}`
  await call.terminal.answer(found, `${state}; ${running} slots are being sold or held`)
  return undefined
}
