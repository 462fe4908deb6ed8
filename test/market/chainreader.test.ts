// Duties of many slots, asked about one by one at the same moment. On an endpoint made by hand.

import { expect, it } from 'vitest'
import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { ChainReader, type ChainReaderParts } from '../../src/market/chainreader.ts'
import { Periodicity } from '../../src/market/periodicity.ts'
import type { RpcAnswer, RpcCall } from '../../src/market/rpcclient.ts'
import { rpcError } from '../../src/market/rpcerror.ts'
import type { SlotId } from '../../src/protocol/request.ts'

const never = { signal: new AbortController().signal }
const ADDRESS = `0x${'ab'.repeat(20)}`
const TIME = 12_345
const word = (value: number) => value.toString(16).padStart(64, '0')
const idOf = (index: number) => `0x${word(index)}` as SlotId
/** Filled, nothing due. */
const ANSWERS = [1, 0, 0, 5, 6]

function reading(answer: (call: RpcCall) => RpcAnswer) {
  const messages: (readonly RpcCall[])[] = []
  const rpc = {
    callMany: async (calls: readonly RpcCall[]) => {
      messages.push(calls)
      return calls.map(answer)
    },
  }
  const log = new Log({ clock: new ManualClock(), levels: new LogLevels('off'), sinks: [] })
  const parts = { rpc, log, heads: { assertOurChain: () => undefined } } as unknown as ChainReaderParts
  const reader = new ChainReader(parts, ADDRESS, ADDRESS)
  const ask = (index: number, signal = never.signal) =>
    reader.slotDuties([idOf(index)], new Periodicity(10), { signal })
  return { messages, ask }
}

it('are asked for in one call, and who waits no more ends it for nobody else', async () => {
  const slots = [1, 2, 3].map(() => ANSWERS.map((value) => `01${word(value)}`).join('')).join('')
  const { messages, ask } = reading(() => ({ ok: true, result: `0x${word(7)}${word(TIME)}${slots}` }))
  const leaving = new AbortController()
  const asked = [ask(1), ask(2, leaving.signal), ask(3)]
  leaving.abort(new Error('gone'))
  const [first, left, third] = await Promise.allSettled(asked)
  expect([first, third]).toMatchObject(
    [1, 3].map((index) => ({ value: [{ slotId: idOf(index), state: 'Filled', period: 1234, duty: undefined }] })),
  )
  expect(left).toMatchObject({ status: 'rejected', reason: { message: 'gone' } })
  expect(messages.map(({ length }) => length)).toEqual([1])
})

it('fail for the slot whose answer fails, and for no other', async () => {
  const bad = idOf(2).slice(2)
  const { ask } = reading(({ method, params: [call] }) => {
    if (method === 'eth_getBlockByNumber') return { ok: true, result: { timestamp: `0x${TIME.toString(16)}` } }
    const { data, to } = call as { data: string; to?: string }
    if (to === undefined) return { ok: false, error: rpcError(method, { code: -32000, message: 'no probes' }) }
    if (data.endsWith(bad)) return { ok: false, error: rpcError(method, { code: -32603, message: 'out of order' }) }
    return { ok: true, result: `0x${word(1)}` }
  })
  const ends = await Promise.allSettled([1, 2, 3].map((index) => ask(index)))
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
