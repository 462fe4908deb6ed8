// space: shows how the quota is used; with --check it counts everything again and compares, with --repair it puts right what is wrong.

import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatCount } from '../lib/format.ts'
import { EXIT } from './exitcodes.ts'
import { flag } from './option.ts'
import { barOf } from './progress.ts'
import { table } from './table.ts'
import type { Call } from './verb.ts'
import { defineVerb } from './verb.ts'
import type { LocalNode } from './withnode.ts'
import { withAccess, withNode } from './withnode.ts'

const BAR_CELLS = 30

type Space = Awaited<ReturnType<LocalNode['repo']['space']>>

export const space = defineVerb({
  about: `Shows how many bytes of the quota are used by blocks and reserved for what is still to come.
With --check every record is counted again and compared with the books; a disagreement is printed and fails. A running node is asked, and looks
at what it sells as well; whatever changes its store waits meanwhile.
With --repair, for which no node may run, the books are made again from the records that can be read, and checked; data that is lost is named, to be
uploaded again or removed.`,
  options: {
    check: flag('count everything again and compare'),
    repair: flag('check, put right what is wrong, check again'),
  },
  settings: ['storage-quota'],
  examples: ['codex-light space --check'],
  document: `{ totalBlocks, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes }
with --check also { problems: [sentence] }
with --repair also { problems: [sentence] (still there), repaired: { problems: [sentence] (before), lostBlocks, lostLeafPages,
  mendedCounts, incomplete: [cid] (datasets in the store that cannot be read back in full) } }`,
  async run({ check, repair }, call) {
    const { state, problems, repaired } = await (repair
      ? withNode(call, 'look', async (node) => {
          const repaired = await repairStore(node, call)
          return { problems: await findProblems(node, call), repaired, state: await node.repo.space() }
        })
      : withAccess(call, 'look', async (node) => ({
          problems: check ? await counted(call, () => node.check(call)) : undefined,
          repaired: undefined,
          state: await node.space(call),
        })))
    const parts = [
      spaceText(state),
      repaired && repairText(repaired),
      problems && checkText(problems, repaired === undefined),
    ]
    await call.terminal.answer(
      { ...state, ...(problems && { problems }), ...(repaired && { repaired }) },
      parts.filter((part) => part !== undefined).join('\n\n'),
    )
    return problems !== undefined && problems.length > 0 ? EXIT.failed : undefined
  },
})

/** A small table with a bar. */
export function spaceText({ totalBlocks, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes }: Space): string {
  const taken = quotaUsedBytes + quotaReservedBytes
  const share = quotaMaxBytes === 0 ? 1 : taken / quotaMaxBytes
  const rows = [
    ['used', formatBytes(quotaUsedBytes), formatCount(totalBlocks, 'block')],
    ['reserved', formatBytes(quotaReservedBytes)],
    ['free', formatBytes(Math.max(0, quotaMaxBytes - taken))],
    ['quota', formatBytes(quotaMaxBytes), `${barOf(share, BAR_CELLS)} ${(share * 100).toFixed(1)}%`],
  ]
  return table(rows, [1])
}

function counted<T>({ terminal }: Call, count: () => Promise<T>): Promise<T> {
  return terminal.progress({ label: 'counting' }, count)
}

async function findProblems(node: LocalNode, call: Call): Promise<readonly string[]> {
  return counted(call, async () => (await node.repo.recount(call)).problems)
}

type Repaired = Awaited<ReturnType<LocalNode['repo']['repair']>> & {
  readonly problems: readonly string[]
  readonly incomplete: readonly string[]
}

async function repairStore(node: LocalNode, call: Call): Promise<Repaired> {
  const { terminal, signal } = call
  const problems = await findProblems(node, call).catch((error: unknown) => {
    // Damaged counters cannot be compared with anything; a repair makes them anew.
    if (CodexError.is(error, 'store/corrupted-record')) return [error.message]
    throw error
  })
  const repair = await terminal.progress({ label: 'repairing' }, () => node.repo.repair({ signal }))
  const incomplete: string[] = []
  await terminal.progress({ label: 'looking for what is lost' }, async () => {
    for await (const { cid } of node.datasets.incomplete({ signal })) incomplete.push(String(cid))
  })
  return { problems, ...repair, incomplete }
}

function repairText({ problems, lostBlocks, lostLeafPages, mendedCounts, incomplete }: Repaired): string {
  const lines = problems.length === 0 ? ['there was nothing to repair'] : ['the books were wrong:', ...problems]
  if (problems.length > 0)
    lines.push(
      `repaired: ${formatCount(lostBlocks, 'block')} and ${formatCount(lostLeafPages, 'page')} of leaves lost, ` +
        `${formatCount(mendedCounts, 'reference count')} mended`,
    )
  if (incomplete.length > 0) lines.push('upload again or remove, because parts are lost:', ...incomplete)
  return lines.join('\n')
}

function checkText(problems: readonly string[], advises: boolean): string {
  if (problems.length === 0) return 'the books are right'
  const advice = advises ? ['to put them right run `codex-light space --repair`'] : []
  return ['the books are wrong:', ...problems, ...advice].join('\n')
}
