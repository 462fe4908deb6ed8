// `codex-light/market` as a program has it: a wallet in a folder, a market with as little as an endpoint, the ABI for other libraries.

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Interface } from 'ethers'
import { expect, onTestFinished, test } from 'vitest'
import * as browserEntry from '../../src/entries/market.browser.ts'
import * as market from '../../src/entries/market.nodejs.ts'
import { ChainWorld, keyOf, never, RICH } from '../market/chainworld.ts'
import deployed from '../vectors/marketplace-abi.json' with { type: 'json' }

test('offers the same in a tab and in Node, and the ABI of the deployed contract', () => {
  expect(Object.keys(browserEntry).sort()).toEqual(Object.keys(market).sort())
  expect(new Interface(market.MARKETPLACE_ABI).format().sort()).toEqual(new Interface(deployed).format().sort())
})

test('keeps a key and a journal in a folder that only its owner may read', async () => {
  const world = await ChainWorld.start()
  onTestFinished(() => world.stop())
  const folder = join(await mkdtemp(join(tmpdir(), 'codex-light-wallet-')), 'wallet')
  onTestFinished(() => rm(join(folder, '..'), { recursive: true, force: true }))
  const made = market.generateKey()
  const wallet = await market.openWallet(folder, never)
  await wallet.keystore.write(await made.toKeystore('secret', market.secureRandom, 1024))
  await expect(wallet.keystore.write('another')).rejects.toMatchObject({ code: 'wallet/exists' })
  await expect(market.openWallet(folder, never)).rejects.toMatchObject({ code: 'datastore/locked' })
  await wallet.close()
  expect((await stat(join(folder, 'keystore.json'))).mode & 0o777).toBe(0o600)

  await world.mint(made.address, RICH)
  await world.anvil.rpc.call('anvil_setBalance', [made.address, `0x${(10n ** 20n).toString(16)}`])
  const { keystore, datastore, close } = await market.openWallet(folder, never)
  const key = await market.NodeKey.fromKeystore((await keystore.read()) ?? '', 'secret')
  const url = world.anvil.endpoint
  const { marketplace } = world.deployment
  const opened = await market.openMarket({ url, marketplace, key, datastore, ...never })
  expect(opened).toBeInstanceOf(market.EthersMarket)
  await opened.sendTokens(keyOf(4).address, 3n, never)
  expect(await opened.tokenBalance(never)).toBe(RICH - 3n)
  await opened.stop()
  await close()
  await expect(market.openMarket({ url, key: 'no key', ...never })).rejects.toMatchObject({ code: 'wallet/bad-key' })
})
