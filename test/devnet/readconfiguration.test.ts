// Configurations that people write: what they leave out, what they get wrong.

import { expect, test } from 'vitest'
import { DEFAULT_CONFIGURATION } from '../../src/devnet/configuration.ts'
import { readConfiguration } from '../../src/devnet/readconfiguration.ts'
import vectors from '../vectors/marketplace.json' with { type: 'json' }

test('the defaults are those of the networks', () => {
  expect(DEFAULT_CONFIGURATION).toEqual(vectors.meta.configs.default)
  expect(readConfiguration({})).toEqual(DEFAULT_CONFIGURATION)
})

test('a part changes that part', () => {
  const changed = readConfiguration({ proofs: { period: 30, downtime: 0 }, requestDurationLimit: 2 ** 40 })
  expect(changed).toEqual({
    ...DEFAULT_CONFIGURATION,
    proofs: { ...DEFAULT_CONFIGURATION.proofs, period: 30, downtime: 0 },
    requestDurationLimit: 2 ** 40,
  })
  expect(readConfiguration(vectors.meta.configs.hardhat)).toEqual(vectors.meta.configs.hardhat)
})

test.each<[string, unknown]>([
  ['', null],
  ['', []],
  ['', 'default'],
  ['period', { period: 30 }],
  ['proofs', { proofs: 30 }],
  ['proofs.perod', { proofs: { perod: 30 } }],
  ['proofs.period', { proofs: { period: '30' } }],
  ['proofs.period', { proofs: { period: 1.5 } }],
  ['proofs.period', { proofs: { period: -1 } }],
  ['proofs.period', { proofs: { period: 2 ** 48 + 1 } }],
  ['proofs.zkeyHash', { proofs: { zkeyHash: 1 } }],
  ['proofs.downtime', { proofs: { downtime: 256 } }],
  ['collateral.slashPercentage', { collateral: { slashPercentage: 256 } }],
  ['reservations', { reservations: null }],
  ['toString', { toString: 1 }],
])('%s is named when it is wrong: %j', (path, given) => {
  expect(() => readConfiguration(given)).toThrow(
    expect.objectContaining({ code: 'devnet/bad-configuration', detail: expect.objectContaining({ path }) as unknown }),
  )
})
