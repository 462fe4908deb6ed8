// The newest block and the events of an endpoint that says what is not so, without a node: what only a chain in memory can be made to tell.

import { describe, expect, it, onTestFinished } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { Log, type LogRecord } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { Connection } from '../../src/market/connection.ts'
import { EventFeed } from '../../src/market/eventfeed.ts'
import { LogReader } from '../../src/market/logreader.ts'
import type { Market } from '../../src/market/market.ts'
import type { PostAnswer } from '../../src/market/rpclines.ts'
import { SendJournal } from '../../src/market/sendjournal.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { EventList } from './eventlist.ts'
import { fastClock } from './fastclock.ts'
import { type ScriptedCall, ScriptedChain, SCRIPTED_MARKETPLACE, toldBlock } from './scriptedchain.ts'

/** Waits of seconds take milliseconds. */
const SPEED = 500
const never = { signal: new AbortController().signal }

function partsOf() {
  const clock = fastClock(SPEED)
  const records: LogRecord[] = []
  const log = new Log({ clock, levels: new LogLevels('trace'), sinks: [(record) => records.push(record)] })
  return { clock, records, log }
}

async function open(chain: ScriptedChain) {
  const { clock, records, log } = partsOf()
  // One exchange may take some real seconds.
  const settings = { url: 'http://127.0.0.1:1', pollSeconds: 1, timeoutSeconds: 20 * SPEED, connectAttempts: 1 }
  const connection = new Connection({ lines: chain.lines, clock, log }, settings)
  await connection.heads.start(never)
  onTestFinished(() => connection.close())
  const { rpc, heads } = connection
  const feed = new EventFeed({ rpc, heads, log, reader: new LogReader({ rpc, clock, log }, SCRIPTED_MARKETPLACE) })
  const follow = (from: number): EventList => {
    const list = new EventList(feed as unknown as Market, from)
    onTestFinished(() => list.stop())
    return list
  }
  const past = async (from: number, to?: number): Promise<number[]> => {
    const blocks: number[] = []
    for await (const { block } of feed.pastEvents({ from, ...(to === undefined ? {} : { to }), ...never }))
      blocks.push(block)
    return blocks
  }
  const looks = async (count: number): Promise<void> => {
    for (let polls = heads.polls, i = 0; i < count; i++) polls = await heads.next(polls, never)
  }
  return { chain, connection, feed, follow, past, looks, records, clock }
}

function setup(blocks: number): ScriptedChain {
  return new ScriptedChain(Math.floor(Date.now() / 1000), blocks)
}

const isHead = ({ method, params: [tag] }: ScriptedCall): boolean =>
  method === 'eth_getBlockByNumber' && (tag === 'latest' || tag === 'pending')
const ahead = (block: unknown, by: number): object => {
  const { number, timestamp, ...rest } = block as { number: string; timestamp: string }
  const moved = (text: string): string => `0x${(Number(text) + by).toString(16)}`
  return { ...rest, number: moved(number), timestamp: moved(timestamp) }
}

describe('a newest block far ahead', () => {
  it('is not believed however often it is told, when the one before it is not there', async () => {
    const { chain, connection, follow, records } = await open(setup(300))
    const events = follow(300)
    chain.tamper = (call, result) => (isHead(call) ? ahead(result, 1e6) : undefined)
    await expect.poll(() => records.filter(({ message }) => message.includes('not believed')).length).toBeGreaterThan(3)
    expect(connection.heads.latest.number).toBe(299)
    expect(connection.chainClock.drift).toBeLessThan(1e5)
    chain.tamper = () => undefined
    chain.mine(1, 1)
    await expect.poll(() => events.types).toEqual(['SlotFilled'])
  })

  it('is not believed as the first one either', async () => {
    const chain = setup(300)
    chain.tamper = (call, result) => (isHead(call) ? ahead(result, 1e6) : undefined)
    await expect(open(chain)).rejects.toMatchObject({ code: 'market/unreachable' })
  })

  it('is believed at once when it is true', async () => {
    const { chain, connection, past } = await open(setup(10))
    chain.mine(5000)
    chain.mine(1, 2)
    expect(await past(10)).toEqual([5010, 5010])
    expect(connection.heads.latest.number).toBe(5010)
  })

  it('that was believed keeps no reader waiting for blocks that never were', async () => {
    const { chain, follow, past, connection, looks } = await open(setup(100))
    const events = follow(100)
    // It has a parent too, and nothing in between.
    chain.tamper = ({ method, params: [tag] }) => {
      if (method !== 'eth_getBlockByNumber') return undefined
      const isParent = Number(tag) === 5099
      if (!isParent && tag !== 'latest') return undefined
      const { hash, parentHash } = { hash: `0x${'5'.repeat(64)}`, parentHash: `0x${'4'.repeat(64)}` }
      const block = { ...toldBlock(chain.head), number: isParent ? '0x13eb' : '0x13ec' }
      return isParent ? { ...block, hash: parentHash } : { ...block, hash, parentHash }
    }
    await expect.poll(() => connection.heads.latest.number).toBe(5100)
    const reading = past(0, 5100)
    await looks(3)
    chain.tamper = () => undefined
    chain.mine(1, 1)
    expect(await reading).toEqual([100])
    await expect.poll(() => events.types).toEqual(['SlotFilled'])
  })
})

describe('a newest block that stays the same', () => {
  it('for long makes the endpoint one that is out of reach, until there is another', async () => {
    const { chain, connection, clock } = await open(setup(300))
    const { heads } = connection
    expect(connection.status()).toMatchObject({ state: 'connected' })
    const since = clock.now()
    await expect.poll(() => connection.status().state).toBe('unreachable')
    expect(clock.now() - since).toBeGreaterThan(heads.frozenAfterSeconds)
    expect(connection.status()).toMatchObject({ problem: expect.stringContaining('no block after 299') as string })
    chain.mine(1)
    await expect.poll(() => heads.latest.number).toBe(300)
    expect(heads.frozen).toBeUndefined()
  })

  it('is nothing to tell of where blocks are made when there is something for them', async () => {
    const chain = setup(300)
    chain.isOnDemand = true
    const { connection } = await open(chain)
    const asked = () => chain.calls.filter(({ method }) => method === 'hardhat_getAutomine').length
    await expect.poll(asked).toBeGreaterThan(1)
    expect(connection.status()).toMatchObject({ state: 'connected' })
  })

  it('is waited for for longer where blocks are rare', async () => {
    const { chain, connection, looks } = await open(setup(300))
    for (let block = 0; block < 3; block++) {
      chain.mine(1, 0, chain.head.timestamp + 50)
      await looks(1)
    }
    expect(connection.heads.frozenAfterSeconds).toBe(400)
  })
})

describe('an answer without logs', () => {
  it.each([
    ['few', 200],
    ['many', 1500],
  ])('about a piece of %s blocks of the past is asked for again', async (_, blocks) => {
    const chain = setup(10)
    chain.mine(1, 3)
    chain.mine(blocks)
    const { past } = await open(chain)
    let left = 1
    chain.tamper = ({ method }) => (method === 'eth_getLogs' && left-- > 0 ? [] : undefined)
    expect(await past(0)).toEqual([10, 10, 10])
  })

  it('about many blocks is believed only after a pause, and not against the blooms of the newest', async () => {
    const chain = setup(1500)
    chain.mine(1, 3)
    chain.mine(100)
    const { past, clock } = await open(chain)
    const asked: number[] = []
    chain.tamper = ({ method }) => (method === 'eth_getLogs' && asked.push(clock.now()) <= 2 ? [] : undefined)
    expect(await past(0)).toEqual([1500, 1500, 1500])
    const [first = 0, second = 0] = asked
    expect(second - first).toBeGreaterThanOrEqual(2)
  })

  it('that goes on is believed in the end', async () => {
    const chain = setup(10)
    chain.mine(1, 3)
    const { past } = await open(chain)
    chain.tamper = ({ method }) => (method === 'eth_getLogs' ? [] : undefined)
    expect(await past(0)).toEqual([])
  })

  it('for longer than we wait keeps nobody waiting, and what was missing comes all the same', async () => {
    const { chain, follow } = await open(setup(300))
    const events = follow(300)
    let isIndexed = false
    chain.mine(1, 2)
    chain.tamper = ({ method }, result) => {
      if (method !== 'eth_getLogs' || isIndexed) return undefined
      return (result as { blockNumber: string }[]).filter(({ blockNumber }) => Number(blockNumber) !== 300)
    }
    chain.mine(20)
    chain.mine(1, 1)
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([321])
    isIndexed = true
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([321, 300, 300])
  })
})

describe('an endpoint that grants few logs at once', () => {
  const tooMany = { code: -32005, message: 'query returned more than 10000 results' }
  const spanOf = ({ method, params }: ScriptedCall): number => {
    if (method !== 'eth_getLogs') return 0
    const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
    return Number(toBlock) - Number(fromBlock) + 1
  }

  it.each([50, 5, 1])('of %i blocks: all come, the new ones and those it was late with too', async (limit) => {
    const chain = setup(20)
    chain.mine(1, 1)
    chain.mine(79)
    chain.refuse = (call) => (spanOf(call) > limit ? tooMany : undefined)
    const { follow } = await open(chain)
    const events = follow(20)
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([20])
    // As after an outage.
    chain.mine(60)
    chain.mine(1, 2)
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([20, 160, 160])
    // A block that stays suspect makes every look longer.
    let isIndexed = false
    chain.mine(1, 1)
    chain.tamper = ({ method }, result) => {
      if (method !== 'eth_getLogs' || isIndexed) return undefined
      return (result as { blockNumber: string }[]).filter(({ blockNumber }) => Number(blockNumber) !== 161)
    }
    chain.mine(55)
    chain.mine(1, 1)
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([20, 160, 160, 217])
    isIndexed = true
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([20, 160, 160, 217, 161])
  })

  it('by the length of its answers: who asks beside it gets his own', async () => {
    const chain = setup(100)
    chain.mine(30, 2)
    const { follow, connection, looks } = await open(chain)
    chain.exchange = (calls) => {
      const blocks = calls.reduce((sum, call) => sum + spanOf(call), 0)
      if (blocks <= 9) return undefined
      throw new CodexError('market/answer-too-long', 'found a longer one')
    }
    const events = follow(100)
    await looks(1)
    expect(await connection.rpc.call('eth_chainId', [], never)).toBe('0x7a69')
    await expect.poll(() => events.standing).toHaveLength(60)
  })

  it('and none of the time before some block: what comes is heard, and what is asked of then is refused', async () => {
    const chain = setup(5000)
    chain.mine(1, 1)
    chain.mine(20)
    const pruned = { code: -32000, message: 'history has been pruned for this block' }
    const BEGIN = 4321
    chain.refuse = ({ method, params }) => {
      const { fromBlock } = Object(params[0]) as { fromBlock?: string }
      return method === 'eth_getLogs' && Number(fromBlock) < BEGIN ? pruned : undefined
    }
    const { follow, past, feed } = await open(chain)
    const events = follow(0)
    chain.mine(1, 1)
    await expect.poll(() => events.standing.map(({ block }) => block)).toEqual([5000, 5021])
    expect(feed.historyFrom).toBe(BEGIN)
    expect(await past(BEGIN)).toEqual([5000, 5021])
    await expect(past(BEGIN - 1)).rejects.toMatchObject({ code: 'market/history-missing', detail: { begin: BEGIN } })
  })

  it('tells of one that gives none at all, once', async () => {
    const chain = setup(100)
    const { follow, looks, records } = await open(chain)
    chain.refuse = (call) => (spanOf(call) > 0 ? { code: -32601, message: 'the method is not available' } : undefined)
    follow(100)
    for (let i = 0; i < 8; i++) {
      chain.mine(1)
      await looks(1)
    }
    const told = records.filter(({ message }) => message.startsWith('no usable events'))
    expect(told.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})

describe('a rate limit', () => {
  const limited = { code: -32005, message: 'daily request count exceeded, request rate limited' }
  const answerOf = (answer: unknown): PostAnswer => ({
    status: 200,
    body: JSON.stringify(answer),
    retryAfter: undefined,
  })
  const calls = Array.from({ length: 20 }, (_, i) => ({ method: 'eth_getBlockByNumber', params: [`0x${i}`, false] }))

  it.each<[string, (ids: readonly number[]) => PostAnswer]>([
    ['429 without a word how long', () => ({ status: 429, body: 'slow down', retryAfter: undefined })],
    ['one error for the whole batch', () => answerOf({ jsonrpc: '2.0', id: null, error: limited })],
    ['an error for each call', (ids) => answerOf(ids.map((id) => ({ jsonrpc: '2.0', id, error: limited })))],
  ])('told as %s once: it is tried again, and batches stay as large as they were', async (_, told) => {
    const chain = setup(30)
    const { connection } = await open(chain)
    const messages: number[] = []
    const isOurs = (asked: readonly ScriptedCall[]) => asked.some(({ params }) => params[0] === '0x0')
    chain.exchange = (asked) => {
      if (isOurs(asked)) messages.push(asked.length)
      return isOurs(asked) && messages.length === 1 ? told(asked.map(({ id }) => id)) : undefined
    }
    for (let time = 0; time < 2; time++)
      expect((await connection.rpc.callMany(calls, never)).every(({ ok }) => ok)).toBe(true)
    expect(messages.every((size) => size >= calls.length)).toBe(true)
    chain.exchange = (asked) => told(asked.map(({ id }) => id))
    const failed = await connection.rpc.callMany(calls, never)
    expect(new Set(failed.map((answer) => (answer.ok ? '' : answer.error.code)))).toEqual(
      new Set(['market/rate-limited']),
    )
  })

  it('that counts calls: fewer are sent at once, one message after the other, what cannot wait first, and that is remembered', async () => {
    const chain = setup(30)
    const { connection, clock } = await open(chain)
    const { rpc } = connection
    await connection.heads.stop()
    const granted: { readonly at: number; readonly calls: number; readonly first: unknown }[] = []
    let refused = 0
    chain.exchange = (asked) => {
      if (asked.length <= 5) granted.push({ at: clock.now(), calls: asked.length, first: asked[0]?.params[0] })
      else refused++
      return asked.length <= 5 ? undefined : { status: 429, body: 'slow down', retryAfter: undefined }
    }
    expect((await rpc.callMany(calls, never)).every(({ ok }) => ok)).toBe(true)
    // Twice as many as asked for, ten, five.
    expect(refused).toBe(3)
    refused = granted.length = 0
    const begun = clock.now()
    const later = rpc.callMany(calls, { ...never, isLater: true })
    const duty = rpc.callMany([{ method: 'eth_getBlockByNumber', params: ['latest', false] }], never)
    await Promise.all([later, duty])
    expect([refused, granted[0]?.first, granted.length]).toEqual([0, 'latest', 5])
    // Counted from the beginning: on a busy machine one comes late, and the next in time.
    for (const [i, { at }] of granted.entries()) expect(at - begun).toBeGreaterThanOrEqual(0.9 * i)
  })
})

it('servers of one endpoint that differ about a known block are asked once for each newest block', async () => {
  const { chain, connection, follow, looks } = await open(setup(300))
  const events = follow(290)
  chain.mine(1, 1)
  await expect.poll(() => events.types).toEqual(['SlotFilled'])
  // Whoever tells the newest block has another one than whoever tells blocks by number.
  chain.tamper = (call, result) => (isHead(call) ? { ...(result as object), hash: `0x${'e'.repeat(64)}` } : undefined)
  await looks(2)
  const [polls, calls] = [connection.heads.polls, chain.calls.length]
  // Who asked without end would leave no turn to anything else.
  chain.refuse = (call) =>
    !isHead(call) && chain.calls.length > calls + 5000 ? { code: -32000, message: 'no more' } : undefined
  await looks(10)
  chain.refuse = () => undefined
  // All known blocks, and no more than once a poll.
  const perPoll = (chain.calls.length - calls) / (connection.heads.polls - polls)
  expect(perPoll).toBeGreaterThan(1)
  expect(perPoll).toBeLessThan(100)
  chain.tamper = () => undefined
  chain.mine(1, 1)
  await expect.poll(() => events.types).toEqual(['SlotFilled', 'SlotFilled'])
})

it('an answer that stays unusable is taken for final, and not at once', async () => {
  const chain = setup(3)
  const { clock, log } = partsOf()
  const connection = new Connection({ lines: chain.lines, clock, log }, { url: 'http://127.0.0.1:1' })
  let tries = 0
  const opening = connection.persist(async () => {
    tries++
    throw new CodexError('market/bad-answer', 'found none')
  }, never)
  await expect(opening).rejects.toMatchObject({ code: 'market/bad-answer' })
  expect(tries).toBe(5)
})

it('a range that is none is refused', async () => {
  const { feed, past } = await open(setup(3))
  for (const [from, to] of [[-1], [0.5], [NaN], [Infinity], [0, NaN], [0, -1], [2 ** 53]] as [number, number?][])
    await expect(past(from, to)).rejects.toMatchObject({ code: 'market/bad-range' })
  await expect(feed.events({ from: -1, ...never }).next()).rejects.toMatchObject({ code: 'market/bad-range' })
  expect(await past(2, 1)).toEqual([])
})

describe('another chain of the same id', () => {
  it.each([
    ['shorter', 20],
    ['longer', 1000],
  ])('that is %s is no reorganisation: nothing is read until ours is back', async (_, blocks) => {
    const { chain, connection } = await open(setup(300))
    const ours = chain.blocks
    chain.branch = 7
    chain.blocks = []
    chain.mine(blocks, 0, 1_700_000_000)
    await expect.poll(() => connection.status()).toMatchObject({ state: 'wrong chain' })
    expect(() => connection.heads.assertOurChain()).toThrow('begins with block')
    expect(connection.heads.latest.number).toBe(299)
    chain.blocks = ours
    chain.mine(1)
    await expect.poll(() => connection.heads.wrongChain).toBeUndefined()
  })

  it('has a journal of its own; where its beginning is not told it is taken for the last one', async () => {
    const datastore = new MemoryDatastore()
    const records: LogRecord[] = []
    const log = new Log({
      clock: fastClock(SPEED),
      levels: new LogLevels('warn'),
      sinks: [(record) => records.push(record)],
    })
    const [one, two] = [1, 2].map((digit) => `0x${String(digit).repeat(64)}`)
    const journalOf = (genesis: string | undefined) =>
      SendJournal.of(datastore, { chainId: 1, genesis, address: '0xa' }, log)
    const entry = {
      ...{ nonce: 0, verb: 'sendCoin' as const, key: undefined, requestId: undefined, slotId: undefined },
      ...{ validUntil: undefined, isDuty: false, attempts: [], end: undefined, landed: undefined },
    }
    await (await journalOf(one)).write(entry)
    expect((await (await journalOf(undefined)).load()).entries).toHaveLength(1)
    expect(records).toEqual([])
    expect((await (await journalOf(two)).load()).entries).toEqual([])
    expect(records).toHaveLength(1)
    expect((await (await journalOf(one)).load()).entries).toHaveLength(1)
  })
})

describe("the chain's time, when the machine's clock is set", () => {
  it.each([3600, -3600])('by %i s: stays as it is', async (by) => {
    const { chain, connection, clock, looks, records } = await open(setup(300))
    const { chainClock } = connection
    await looks(2)
    clock.setOn(by)
    for (let i = 0; i < 3; i++) {
      chain.mine(1)
      await looks(1)
    }
    const away = chainClock.now() - chain.head.timestamp
    // Some real seconds of a busy machine are many of the fast one.
    expect(Math.abs(away)).toBeLessThan(1800)
    expect(records.some(({ message }) => message.includes("the chain's counts"))).toBe(by > 0)
  })
})
