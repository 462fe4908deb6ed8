import { expect, it } from 'vitest'

import { allowKeyOnChain, DEVELOPMENT_MARK } from '../../src/proving/developmentmark.ts'

it.each([31337, 1337, 31337n, 1337n])('a development key is good on the local chain %s', (chainId) => {
  expect(() => allowKeyOnChain(DEVELOPMENT_MARK, chainId)).not.toThrow()
})

it.each([1, 10, 137, 789_987, 1338, 31338, 59141n, 2n ** 64n + 31337n])('and on chain %s it is refused', (chainId) => {
  expect(() => allowKeyOnChain(DEVELOPMENT_MARK, chainId)).toThrow(
    expect.objectContaining({ code: 'proving/development-key', detail: expect.objectContaining({ chainId }) }),
  )
})

it.each([' 31337', '31337', 'abc', 1.5, Number.NaN, undefined, null, {}])('nor is %s a local chain', (chainId) => {
  expect(() => allowKeyOnChain(DEVELOPMENT_MARK, chainId as number)).toThrow(
    expect.objectContaining({ code: 'proving/development-key' }),
  )
})

it('any mark is a mark, the empty one too', () => {
  for (const mark of ['', 'something else'])
    expect(() => allowKeyOnChain(mark, 1)).toThrow(expect.objectContaining({ code: 'proving/development-key' }))
})

it.each([1, 31337])('a key without a mark is good on chain %i', (chainId) => {
  expect(() => allowKeyOnChain(undefined, chainId)).not.toThrow()
})
