// The script of a page that keeps a key and sends with it through `codex-light/market`; `marketpage.nodejs.test.ts` opens it. Not a test.

import * as market from '../../src/entries/market.browser.ts'

const never = { signal: new AbortController().signal }
/** Quick: it is not the derivation that is tested. */
const SCRYPT_N = 1024

export interface Asked {
  readonly url: string
  readonly marketplace: string
  /** Kept in the page's wallet when there is no key yet. */
  readonly privateKey: string
  readonly password: string
  readonly to: string
}

export interface Told {
  readonly keystore: string
  readonly host: string
  readonly hash: string
  readonly period: number
  readonly balance: string
  readonly events: readonly string[]
}

async function sendFromWallet({ url, marketplace, privateKey, password, to }: Asked): Promise<Told> {
  const wallet = await market.openWallet('wallet-of-a-test', never)
  try {
    if ((await wallet.keystore.read()) === undefined) {
      const key = market.NodeKey.fromPrivateKey(privateKey)
      await wallet.keystore.write(await key.toKeystore(password, market.secureRandom, SCRYPT_N))
    }
    const keystore = (await wallet.keystore.read()) ?? ''
    const key = await market.NodeKey.fromKeystore(keystore, password)
    const { datastore } = wallet
    const opened = await market.openMarket({ url, marketplace, key, datastore, connectAttempts: 1, ...never })
    try {
      const { hash } = await opened.sendTokens(to, 5n, never)
      const events: string[] = []
      for await (const { type } of opened.pastEvents({ from: 0, ...never })) events.push(type)
      const balance = String(await opened.tokenBalance(never))
      return { keystore, host: opened.host, hash, period: opened.terms.proofs.period, balance, events }
    } finally {
      await opened.stop()
    }
  } finally {
    await wallet.close()
  }
}

Object.assign(globalThis, { sendFromWallet })
