// What the market room writes and reads: events, refusals, calls, answers, keys. Against ethers' own decoder and the vectors.

import { AbiCoder, getAddress, Interface, Transaction } from 'ethers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { checkedAddress } from '../../src/market/connection.ts'
import { collateralToFill } from '../../src/market/marketplaceterms.ts'
import { EVENT_TOPICS, readEvent } from '../../src/market/eventcodec.ts'
import { FeeSource, raised } from '../../src/market/feesource.ts'
import { addressInKeystore } from '../../src/market/keystore.ts'
import { keystoreRecord, setKeystoreAside } from '../../src/market/keystorerecord.ts'
import { MARKETPLACE_ABI, TOKEN_ABI } from '../../src/market/marketplaceabi.ts'
import { NodeKey } from '../../src/market/nodekey.ts'
import { knownReverts, revertError } from '../../src/market/reverts.ts'
import { rpcError, revertDataOf } from '../../src/market/rpcerror.ts'
import { readBlock, readLogs, readNumber, readQuantity, readReceipt } from '../../src/market/rpcvalues.ts'
import { fateOf } from '../../src/market/sendanswer.ts'
import { hasWrongChecksum, withChecksum } from '../../src/protocol/addresschecksum.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

const MARKETPLACE = new Interface(MARKETPLACE_ABI)
const ADDRESS = `0x${'11'.repeat(20)}`
const PLACE = { address: ADDRESS, block: 7, blockHash: `0x${'22'.repeat(32)}`, logIndex: 3 }
const word = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const hash = word.map((value) => `0x${value.toString(16).padStart(64, '0')}`)

it('reads addresses with their checksum, and refuses those that it says are mistyped', () => {
  fc.assert(
    fc.property(word, (value) => {
      const address = `0x${value.toString(16).padStart(64, '0').slice(24)}`
      const spelt = getAddress(address)
      expect(withChecksum(address)).toBe(spelt)
      expect(checkedAddress(spelt)).toBe(address)
      expect(checkedAddress(address)).toBe(address)
      const at = [...spelt].findIndex((letter, i) => i > 1 && /[a-f]/i.test(letter))
      const letter = spelt.charAt(at)
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      const wrong = `${spelt.slice(0, at)}${other}${spelt.slice(at + 1)}`
      // One letter alone has no case to differ from.
      if (at > 0 && /[a-f]/.test(wrong) && /[A-F]/.test(wrong)) {
        expect(hasWrongChecksum(wrong)).toBe(true)
        expect(() => checkedAddress(wrong)).toThrow(`the checksum of the address ${wrong} is wrong`)
      }
    }),
  )
})

describe('the ABI', () => {
  it('has the selectors and topics of the deployed contract', () => {
    for (const [signature, selector] of Object.entries(vectors.selectors.functions)) {
      expect(MARKETPLACE.getFunction(signature)?.selector, signature).toBe(selector)
    }
    for (const [signature, topic] of Object.entries(vectors.selectors.events)) {
      expect(
        EVENT_TOPICS.some((known) => known.startsWith(topic.slice(0, 18))),
        signature,
      ).toBe(true)
    }
    expect(EVENT_TOPICS.length).toBe(8)
  })
})

describe('events', () => {
  it('are read as ethers reads them', () => {
    fc.assert(
      fc.property(
        hash,
        word,
        word,
        word,
        uint64,
        uint64,
        uint64,
        uint64,
        fc.nat(),
        (id, a, b, c, d, e, f, g, expiry) => {
          const ask = [a, b, c, d, e, f, g]
          const { data, topics } = MARKETPLACE.encodeEventLog('StorageRequested', [id, ask, expiry])
          const event = readEvent({ ...PLACE, data, topics })
          expect(event).toMatchObject({ type: 'StorageRequested', requestId: id, expiry, block: 7, logIndex: 3 })
          expect(event?.type === 'StorageRequested' && Object.values(event.ask)).toEqual(ask)
        },
      ),
    )
  })

  it.each(['SlotFilled', 'SlotFreed', 'SlotReservationsFull'])('%s names its slot', (type) => {
    fc.assert(
      fc.property(hash, fc.nat(), (id, slotIndex) => {
        const log = MARKETPLACE.encodeEventLog(type, [id, slotIndex])
        const expected = { type, requestId: id, slotIndex, slotId: slotId(id as RequestId, slotIndex) }
        expect(readEvent({ ...PLACE, ...log })).toMatchObject(expected)
      }),
    )
  })

  it('that are cut, too long or of wrong numbers are bad answers; unknown ones are none', () => {
    const { data, topics } = MARKETPLACE.encodeEventLog('SlotFilled', [`0x${'33'.repeat(32)}`, 5])
    for (const bad of [data.slice(0, -2), `${data}00`, '0x', `0x${'ff'.repeat(32)}`])
      expect(() => readEvent({ ...PLACE, data: bad, topics }), bad).toThrow(CodexError)
    expect(() => readEvent({ ...PLACE, data, topics: topics.slice(0, 1) })).toThrow(CodexError)
    expect(readEvent({ ...PLACE, data, topics: [`0x${'44'.repeat(32)}`] })).toBeUndefined()
    expect(readEvent({ ...PLACE, data, topics: [] })).toBeUndefined()
  })
})

describe('refusals', () => {
  it('each of the contracts has a sentence, an action and a code', () => {
    const errors = [...MARKETPLACE_ABI, ...TOKEN_ABI].flatMap((line) => /^error (\w+)/.exec(line)?.[1] ?? [])
    expect(errors.length).toBeGreaterThan(40)
    for (const name of errors) expect(knownReverts()).toContain(name)
    // The machine's own two come with arguments.
    const named = (known: string) => known.includes('_') && MARKETPLACE.getError(known) !== null
    for (const name of knownReverts().filter(named)) {
      const error = revertError('fillSlot', MARKETPLACE.getError(name)?.selector, 'reverted')
      expect(error.message).toMatch(/^fillSlot: .{10,}; .{5,}$/)
      expect([error.code, error.detail.revert]).toEqual([expect.stringMatching(/^market\/[a-z-]+$/), name])
    }
  })

  it('of the token and of the machine tell their numbers', () => {
    const token = new Interface(TOKEN_ABI)
    const data = token.encodeErrorResult('ERC20InsufficientBalance', [ADDRESS, 5n, 7n])
    expect(revertError('fillSlot', data, '').message).toContain('5, 7')
    const panic = `0x4e487b71${AbiCoder.defaultAbiCoder().encode(['uint256'], [0x11]).slice(2)}`
    expect(revertError('call', panic, '').code).toBe('market/contract-panic')
    for (const unknown of ['0x12345678', '0x', '0x12', undefined])
      expect(revertError('call', unknown, 'no idea')).toMatchObject({ code: 'market/reverted', detail: {} })
  })

  it('are found wherever nodes put them', () => {
    const data = '0xff556acf'
    for (const error of [
      { code: 3, message: 'execution reverted', data },
      { code: -32000, message: 'x', data: { data } },
      { code: -32000, message: 'x', data: { originalError: { data } } },
      { error: { data } },
      { info: { error: { data } } },
      { message: `execution reverted: ${data}` },
      { code: -32015, message: 'VM execution error', data: `Reverted ${data}` },
    ])
      expect(revertDataOf(error), JSON.stringify(error)).toBe(data)
    for (const error of [undefined, null, 'text', 5, {}, { data: '0x' }, { data: '0x12' }, { message: 'no hex' }])
      expect(revertDataOf(error)).toBeUndefined()
    const deep: Record<string, unknown> = {}
    deep['error'] = deep
    expect(revertDataOf(deep)).toBeUndefined()
  })
})

describe('answers to a sent transaction', () => {
  it.each([
    ['already known', 'taken'],
    ['nonce too low: next nonce 5, tx nonce 4', 'nonce used'],
    ['replacement transaction underpriced', 'nonce used'],
    ['insufficient funds for gas * price + value', 'refused'],
    ['max fee per gas less than block base fee', 'refused'],
    ['transaction underpriced', 'refused'],
    ['the moon is full', 'unknown'],
  ])('%s: %s', (message, fate) => {
    expect(fateOf({ ok: false, error: rpcError('eth_sendRawTransaction', { code: -32000, message }) })).toBe(fate)
  })

  it('a silent endpoint may have taken it', () => {
    expect(fateOf(undefined)).toBe('unknown')
    expect(fateOf({ ok: false, error: new CodexError('market/unreachable', '') })).toBe('unknown')
    expect(fateOf({ ok: true, result: '0x' })).toBe('taken')
  })
})

describe('values of an endpoint', () => {
  it('of any shape are checked before they count', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const read of [readBlock, readReceipt, readLogs, (one: unknown) => readNumber(one, 'x')])
          try {
            read(value)
          } catch (error) {
            expect(CodexError.is(error, 'market/bad-answer')).toBe(true)
          }
      }),
    )
    for (const bad of ['12', '0x', '0xzz', `0x${'1'.repeat(65)}`, 5, null])
      expect(() => readQuantity(bad, 'x')).toThrow()
    expect(() => readNumber('0x20000000000000', 'x')).toThrow('2^53')
  })
})

it('a receipt tells all that was paid, what a chain takes for the chain beneath it too', () => {
  const hash = `0x${'3'.repeat(64)}`
  const receipt = { transactionHash: hash, blockHash: hash, blockNumber: '0x1', status: '0x1', gasUsed: '0x64' }
  expect(readReceipt({ ...receipt, effectiveGasPrice: '0x2' })?.feeWei).toBe(200n)
  expect(readReceipt({ ...receipt, effectiveGasPrice: '0x2', l1Fee: '0x5' })?.feeWei).toBe(205n)
})

describe('fees', () => {
  const GWEI = 10n ** 9n

  it.each([
    ['the network suggests, however much that is', 30n, 500n, { tip: 30n, most: 50n }],
    ['the cap on the whole price leaves, where it suggests more', 30n, 25n, { tip: 15n, most: 25n }],
    ['is set, where it suggests nothing', undefined, 500n, { tip: 2n, most: 22n }],
    ['it suggests, where even the least is beyond the cap: signing refuses then', 30n, 5n, { tip: 30n, most: 40n }],
  ])('tip what %s', async (_, suggested, cap, { tip, most }) => {
    const answer =
      suggested === undefined
        ? { ok: false, error: new Error('unknown method') }
        : { ok: true, result: `0x${(suggested * GWEI).toString(16)}` }
    const parts = {
      rpc: { callMany: async () => [answer] },
      heads: { latest: { baseFee: 10n * GWEI } },
      clock: new ManualClock(0),
    }
    const fees = new FeeSource(parts as never, { priorityFeeWei: 2n * GWEI, maxGasPriceWei: cap * GWEI })
    expect(await fees.now({ signal: new AbortController().signal })).toEqual({
      kind: 'eip1559',
      maxFeePerGas: most * GWEI,
      maxPriorityFeePerGas: tip * GWEI,
    })
  })

  it('are raised by a tenth at least, never above the cap, or not at all', () => {
    const fee = fc.bigInt({ min: 1n, max: 10n ** 12n })
    fc.assert(
      fc.property(
        fee,
        fee,
        fee,
        fee,
        fee,
        fc.boolean(),
        fc.boolean(),
        (max, priority, nowMax, nowPriority, maxGasPriceWei, isLegacy, isPressed) => {
          const cap = maxGasPriceWei
          const kind = isLegacy ? 'legacy' : 'eip1559'
          const of = (a: bigint, b: bigint) =>
            isLegacy || b > a
              ? ({ kind, maxFeePerGas: a, maxPriorityFeePerGas: a } as const)
              : ({ kind, maxFeePerGas: a, maxPriorityFeePerGas: b } as const)
          const before = of(max, priority)
          const offer = raised(before, of(nowMax, nowPriority), { maxGasPriceWei, isPressed })
          if (offer === undefined) {
            expect(cap * 10n < before.maxFeePerGas * 11n).toBe(true)
            return
          }
          expect(offer.maxFeePerGas <= cap && offer.maxPriorityFeePerGas <= offer.maxFeePerGas).toBe(true)
          expect(offer.maxFeePerGas * 10n >= before.maxFeePerGas * 11n).toBe(true)
          expect(offer.maxPriorityFeePerGas * 10n >= before.maxPriorityFeePerGas * 11n).toBe(true)
        },
      ),
    )
  })
})

describe('collateral', () => {
  it('is a tenth less in repair, rounded as the contract does', () => {
    const terms = {
      collateral: {
        repairRewardPercentage: 10,
        maxNumberOfSlashes: 0,
        slashPercentage: 0,
        validatorRewardPercentage: 0,
      },
    }
    const slot = { collateralPerByte: 5n, slotSize: 1001n }
    expect(collateralToFill(terms, { ...slot, isRepair: false })).toBe(5005n)
    expect(collateralToFill(terms, { ...slot, isRepair: true })).toBe(4505n)
  })
})

describe('keys', () => {
  const KEY = '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
  const ADDRESS_OF_KEY = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
  const LIGHT = 2
  const random = (count: number) => crypto.getRandomValues(new Uint8Array(count))

  it('come back from their keystore with the password, and not without', async () => {
    const key = NodeKey.fromPrivateKey(`0x${KEY}`)
    expect(key.address).toBe(ADDRESS_OF_KEY)
    const json = await key.toKeystore('päss', random, LIGHT)
    expect(json).not.toContain(KEY)
    expect(JSON.parse(json)).toMatchObject({ version: 3, crypto: { cipher: 'aes-128-ctr', kdf: 'scrypt' } })
    expect(addressInKeystore(json)).toBe(ADDRESS_OF_KEY)
    expect((await NodeKey.fromKeystore(json, 'päss')).address).toBe(ADDRESS_OF_KEY)
    await expect(NodeKey.fromKeystore(json, 'pass')).rejects.toMatchObject({ code: 'wallet/wrong-password' })
  })

  it('come from keystores of wallets that write the word large, too', async () => {
    const json = await NodeKey.fromPrivateKey(KEY).toKeystore('testpassword', random, LIGHT)
    const capital = json.replace('"crypto":', '"Crypto":')
    expect((await NodeKey.fromKeystore(capital, 'testpassword')).address).toBe(ADDRESS_OF_KEY)
  })

  it('that are none, and keystores that are none or ask for too much, are refused without quoting them', async () => {
    for (const text of ['', '0x12', '0'.repeat(64), 'f'.repeat(64), `${KEY}00`, 'my secret words']) {
      expect(() => NodeKey.fromPrivateKey(text)).toThrow(expect.objectContaining({ code: 'wallet/bad-key' }))
      try {
        NodeKey.fromPrivateKey(text)
      } catch (error) {
        if (text !== '') expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(text)
      }
    }
    const json = await NodeKey.fromPrivateKey(KEY).toKeystore('x', random, LIGHT)
    for (const bad of [
      '',
      '[]',
      '{"version":1}',
      json.replace('"n":2', '"n":1073741824'),
      json.replace('scrypt', 'md5'),
      '"'.repeat(20_000),
    ])
      await expect(NodeKey.fromKeystore(bad, 'x'), bad.slice(0, 30)).rejects.toMatchObject({
        code: 'wallet/bad-keystore',
      })
  })

  it('sign what the intent says, within the cap', () => {
    const key = NodeKey.fromPrivateKey(KEY, { maxGasPriceWei: 100n })
    const contracts = { marketplace: ADDRESS, token: `0x${'55'.repeat(20)}` }
    const id = `0x${'66'.repeat(32)}` as RequestId
    const intent = { verb: 'collect', slotId: slotId(id, 0), rewardRecipient: `0x${'77'.repeat(20)}` } as const
    const fees = { kind: 'eip1559', maxFeePerGas: 100n, maxPriorityFeePerGas: 1n } as const
    const terms = { chainId: 31337, nonce: 5, gasLimit: 50_000n, fees }
    const signed = key.sign(intent, contracts, terms)
    const transaction = Transaction.from(signed.raw)
    expect(transaction).toMatchObject({ nonce: 5, chainId: 31337n, gasLimit: 50_000n, value: 0n, hash: signed.hash })
    expect(transaction.from?.toLowerCase()).toBe(ADDRESS_OF_KEY)
    // Rewards go elsewhere, the collateral comes back to the key.
    const args = MARKETPLACE.decodeFunctionData('freeSlot(bytes32,address,address)', transaction.data)
    expect([...args].map((one) => String(one).toLowerCase())).toEqual([
      intent.slotId,
      intent.rewardRecipient,
      ADDRESS_OF_KEY,
    ])
    expect(signed.maxCostWei).toBe(5_000_000n)
    const dear = { ...terms, fees: { ...fees, maxFeePerGas: 101n } }
    expect(() => key.sign(intent, contracts, dear)).toThrow(
      expect.objectContaining({ code: 'wallet/gas-price-over-cap' }),
    )
    const cancel = Transaction.from(key.signCancel(signed.raw, fees).raw)
    expect([cancel.to?.toLowerCase(), cancel.data, cancel.value, cancel.nonce]).toEqual([ADDRESS_OF_KEY, '0x', 0n, 5])
    const stranger = NodeKey.generate(random)
    expect(() => stranger.signAgain(signed.raw, fees)).toThrow(expect.objectContaining({ code: 'wallet/not-ours' }))
  })

  it('are kept in a datastore as in a file, and never written over', async () => {
    const place = keystoreRecord(new MemoryDatastore())
    expect(await place.read()).toBeUndefined()
    const outcomes = await Promise.allSettled([place.write('one'), place.write('two')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(await place.read()).toBe('one')
  })

  it('are set aside under a name of their own, one after the other, and never dropped', async () => {
    const datastore = new MemoryDatastore()
    const place = keystoreRecord(datastore)
    expect(await setKeystoreAside(datastore)).toBeUndefined()
    for (const [json, name] of [
      ['one', 'before-1'],
      ['two', 'before-2'],
    ] as const) {
      await place.write(json)
      expect(await setKeystoreAside(datastore)).toBe(name)
      expect(await place.read()).toBeUndefined()
      expect(await keystoreRecord(datastore, name).read()).toBe(json)
    }
  })
})
