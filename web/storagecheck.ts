// Checking and repairing the store, each told as what the page shows of it. What the store does is in src/storage.

import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount } from '../src/lib/format.ts'
import { explain } from './explain.ts'
import type { Check } from './pagestate.ts'
import { repairSentence } from './repairsentence.ts'
import { shortCid } from './shortcid.ts'

/** Of more problems than this the page says how many there are. */
const MAX_PROBLEM_LINES = 5

/** Counts everything that is stored and compares it with the books. Never rejects. */
export function checkStore({ repo }: TabNode, signal: AbortSignal): Promise<Check> {
  return told(async () => {
    const { counted, problems } = await repo.recount({ signal })
    if (problems.length > 0) return problemsFound(problems)
    const verb = counted.blocks === 1 ? 'is' : 'are'
    const found = `${formatCount(counted.blocks, 'block')} with ${formatBytes(counted.used)} ${verb} there, as the books say.`
    return { state: 'clean', lines: [found] }
  })
}

/** Makes the books anew from the records that can be read, and says what was lost. Never rejects. */
export function repairStore({ repo, datasets }: TabNode, signal: AbortSignal): Promise<Check> {
  return told(async () => {
    const { lostBlocks } = await repo.repair({ signal })
    const { problems } = await repo.recount({ signal })
    if (problems.length > 0) return problemsFound(problems)
    const names: string[] = []
    for await (const { cid, manifest } of datasets.incomplete({ signal }))
      names.push(manifest?.filename ?? shortCid(cid))
    return { state: 'clean', lines: [repairSentence(lostBlocks, names)] }
  })
}

function problemsFound(problems: readonly string[]): Check {
  const more = problems.length - MAX_PROBLEM_LINES
  const lines = problems.slice(0, MAX_PROBLEM_LINES)
  return { state: 'problems', lines: more > 0 ? [...lines, `and ${formatCount(more, 'more problem')}`] : lines }
}

async function told(work: () => Promise<Check>): Promise<Check> {
  try {
    return await work()
  } catch (error) {
    // Damaged counters cannot be compared with anything; a repair makes them anew.
    if (CodexError.is(error, 'store/corrupted-record'))
      return { state: 'problems', lines: ['The counters of this store are damaged; a repair counts anew.'] }
    return { state: 'failed', lines: [explain(error)] }
  }
}
