import { expect, it } from 'vitest'
import { providerOf } from '../../src/cli/tradesettings.ts'

it.each([
  [undefined, undefined],
  ['0', undefined],
  ['3', 3],
  ['16', 8],
])('of --num-threads %s there are as many as help: %s', (given, threads) => {
  const options = { 'num-threads': given === undefined ? undefined : Number(given) }
  expect(providerOf(options as never).threads).toBe(threads)
})
