// The demo as a process: the main job from circuit to payout, its document, and what it says where it cannot run.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SALE_STATE_NAMES } from '../../src/sales/salephase.ts'
import { run, scratchFolder } from './command.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])

interface Answer {
  readonly request: { readonly id: string }
  readonly circuit: { readonly constraints: number }
  readonly slots: readonly {
    readonly index: number
    readonly host: string
    readonly phases: readonly { readonly name: string; readonly at: number }[]
    readonly proofs: { readonly submitted: number; readonly missed: number }
    readonly payoutWei: string
  }[]
  readonly gas: Readonly<Record<string, { readonly calls: number }>>
  readonly timings: Readonly<Record<string, number>>
  readonly page: string | null
}

test('a file that is none, or too small for the slots, is refused before anything is started', async () => {
  const small = join(scratchFolder(), 'small.txt')
  writeFileSync(small, 'too little')
  const missing = await run(['demo', '--once', '--json', join(scratchFolder(), 'none.bin')])
  expect([missing.code, JSON.parse(missing.stdout)]).toMatchObject([1, { error: { code: 'demo/no-file' } }])
  const little = await run(['demo', '--once', '--json', small])
  expect([little.code, JSON.parse(little.stdout)]).toMatchObject([1, { error: { code: 'demo/too-small' } }])
})

// Two minutes of periods, and proofs of the full circuit: for a machine that does nothing else.
test.runIf(IS_LONG)(
  '--once --json buys storage for a real file, and is one document about how it was paid',
  async () => {
    const { code, stdout, stderr } = await run(['demo', '--once', '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const { request, circuit, slots, gas, timings, page } = JSON.parse(stdout) as Answer
    expect(request.id).toMatch(/^0x[0-9a-f]{64}$/)
    expect(circuit.constraints).toBeGreaterThan(80_000)
    expect(page).toBe(null)
    expect(slots.map(({ index }) => index)).toEqual([0, 1, 2])
    for (const { host, phases, proofs, payoutWei } of slots) {
      expect(host).toMatch(/^0x[0-9a-f]{40}$/)
      const names = phases.map(({ name }) => name)
      expect(SALE_STATE_NAMES).toEqual(expect.arrayContaining(names))
      expect([names[0], names.at(-1)]).toEqual(['SalePreparing', 'SaleFinished'])
      expect(names).toEqual(
        expect.arrayContaining(['SaleDownloading', 'SaleInitialProving', 'SaleFilled', 'SaleProving']),
      )
      expect(phases.map(({ at }) => at)).toEqual(phases.map(({ at }) => at).sort((a, b) => a - b))
      expect(proofs.submitted).toBeGreaterThanOrEqual(2)
      expect(proofs.missed).toBe(0)
      expect(BigInt(payoutWei)).toBeGreaterThan(0n)
    }
    expect(gas).toMatchObject({ requestStorage: { calls: 1 }, fillSlot: { calls: 3 }, freeSlot: { calls: 3 } })
    expect(Object.keys(timings)).toEqual(expect.arrayContaining(['circuit', 'firstSlotFilled', 'firstProof', 'paid']))
  },
)
