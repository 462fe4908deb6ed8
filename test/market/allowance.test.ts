// The allowance over a token and a transactor of the test's own: what an endpoint says of it that lags behind.

import { expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import type { Intent } from '../../src/market/intent.ts'
import { Allowance } from '../../src/market/allowance.ts'

const never = { signal: new AbortController().signal }
const ADDRESS = `0x${'1'.repeat(40)}`
const refused = () =>
  new CodexError('market/insufficient-allowance', 'too little', { detail: { revert: 'ERC20InsufficientAllowance' } })

function made(granted: bigint) {
  const clock = new ManualClock(1000)
  const sent: Intent[] = []
  const allowance = new Allowance({
    reader: { token: async () => granted },
    transactor: {
      send: async ({ intent }) => {
        sent.push(intent)
        return { hash: '0x1', block: 1, blockHash: '0x1', gasUsed: 1n, feeWei: 0n }
      },
      earlierEnded: async () => undefined,
    },
    token: ADDRESS,
    marketplace: ADDRESS,
    host: ADDRESS,
    clock,
    journal: { grantedBefore: async () => 0n, writeGrantedBefore: async () => undefined },
  })
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await nextTask()
      clock.set(clock.now() + 1)
    }
    await nextTask()
  }
  return { allowance, sent, pass }
}

it('an act for which the allowance was raised is tried again while the endpoint does not know of it', async () => {
  const { allowance, sent, pass } = made(0n)
  let tries = 0
  const act = allowance.during(5n, never, async () => {
    if (++tries < 4) throw refused()
    return 'done'
  })
  await pass(20)
  await expect(act).resolves.toBe('done')
  expect([sent.length, tries]).toEqual([1, 4])
})

it('for some thirty seconds, for nothing else, and not where it was enough before', async () => {
  const lagging = made(0n)
  const act = lagging.allowance.during(5n, never, () => Promise.reject(refused())).catch((error: unknown) => error)
  await lagging.pass(40)
  expect(await act).toMatchObject({ code: 'market/insufficient-allowance' })
  for (const [granted, error] of [
    [0n, new CodexError('market/unreachable', 'away')],
    [5n, refused()],
  ] as const) {
    let tries = 0
    const failing = made(granted).allowance.during(5n, never, () => {
      tries++
      return Promise.reject(error)
    })
    await expect(failing).rejects.toBe(error)
    expect(tries).toBe(1)
  }
})
