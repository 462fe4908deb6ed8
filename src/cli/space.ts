// space: shows how the quota is used; with --check it counts everything again and compares.

import { formatBytes } from '../lib/format.ts'
import { EXIT } from './exitcodes.ts'
import { flag } from './option.ts'
import { barOf } from './progress.ts'
import { table } from './table.ts'
import { defineVerb } from './verb.ts'
import type { LocalNode } from './withnode.ts'
import { withNode } from './withnode.ts'

const BAR_CELLS = 30

type Space = Awaited<ReturnType<LocalNode['repo']['space']>>

export const space = defineVerb({
  about: `Shows how many bytes of the quota are used by blocks and reserved for what is still to come.
With --check every record is counted again and compared with the books; a disagreement is printed and fails.`,
  options: { check: flag('count everything again and compare') },
  document: `{ totalBlocks, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes }; with --check also problems: [sentence]`,
  async run({ check }, call) {
    const { terminal, signal } = call
    const { state, problems } = await withNode(call, 'look', async (node) => ({
      state: await node.repo.space(),
      problems: check
        ? await terminal.progress({ label: 'counting' }, async () => (await node.repo.recount({ signal })).problems)
        : undefined,
    }))
    await terminal.answer(
      problems === undefined ? state : { ...state, problems },
      [spaceText(state), ...(problems === undefined ? [] : ['', checkText(problems)])].join('\n'),
    )
    return problems !== undefined && problems.length > 0 ? EXIT.failed : undefined
  },
})

/** A small table with a bar. */
export function spaceText({ totalBlocks, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes }: Space): string {
  const taken = quotaUsedBytes + quotaReservedBytes
  const share = quotaMaxBytes === 0 ? 1 : taken / quotaMaxBytes
  const rows = [
    ['used', formatBytes(quotaUsedBytes), `${totalBlocks} blocks`],
    ['reserved', formatBytes(quotaReservedBytes)],
    ['free', formatBytes(Math.max(0, quotaMaxBytes - taken))],
    ['quota', formatBytes(quotaMaxBytes), `${barOf(share, BAR_CELLS)} ${(share * 100).toFixed(1)}%`],
  ]
  return table(rows, [1])
}

function checkText(problems: readonly string[]): string {
  return problems.length === 0 ? 'the books are right' : ['the books are wrong:', ...problems].join('\n')
}
