// What became of what was bought: how often the chain is asked, and what is said where it was not.

import { expect, test } from 'vitest'

import { PurchaseWatch } from '../../web/purchasewatch.ts'

type Trade = Parameters<PurchaseWatch['look']>[0]

const never = new AbortController().signal

function bought(state: string, outcome?: object) {
  const ask = { slots: 3n, slotSize: 10n, duration: 10n, pricePerBytePerSecond: 1n }
  const purchase = { id: `0x${'12'.repeat(32)}`, state, problem: undefined, outcome, request: { ask } }
  let asked = 0
  let isAway = false
  const market = {
    requestEnd: async () => {
      asked++
      if (isAway) throw new Error('nobody answers')
      return 5000
    },
    slotState: async () => 'Filled',
  }
  const trade = { market, client: { purchasing: { purchases: [purchase] } } } as unknown as Trade
  const watch = new PurchaseWatch()
  const look = async (atSeconds: number) => {
    await watch.look(trade, never, 1000 * atSeconds)
    return watch.rows[0]
  }
  return { purchase, look, asked: () => asked, away: (is: boolean) => (isAway = is) }
}

test('of slots that nobody was asked about it is not said that they have no provider', async () => {
  const over = bought('finished', { end: 'finished' })
  expect(await over.look(0)).toMatchObject({ filled: undefined, endsAt: undefined, slots: 3 })
  expect(over.asked()).toBe(0)
  const silent = bought('submitted')
  silent.away(true)
  expect(await silent.look(0)).toMatchObject({ filled: undefined })
  silent.away(false)
  expect(await silent.look(5)).toMatchObject({ filled: 3 })
  silent.away(true)
  expect(await silent.look(10)).toMatchObject({ filled: 3, endsAt: 5000 })
})

test('a purchase is asked about at each look until it has started, and then each minute', async () => {
  const { purchase, look, asked } = bought('submitted')
  for (const at of [0, 5, 10]) await look(at)
  expect(asked()).toBe(3)
  purchase.state = 'started'
  for (let at = 15; at < 75; at += 5) expect(await look(at)).toMatchObject({ state: 'started', filled: 3 })
  expect(asked()).toBe(4)
  await look(75)
  expect(asked()).toBe(5)
})
