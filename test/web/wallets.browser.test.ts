// The wallet beside the node key, as a person uses it: asked on a click, told of in our words whatever it answers.

import { signal } from '@preact/signals'
import { expect, test } from 'vitest'

import { askAddress, topUp } from '../../web/wallets.ts'
import { TopUp, WalletPart } from '../../web/walletpart.tsx'
import { drawn, HOST, says } from './drawn.ts'

const OWNER = `0x${'cd'.repeat(20)}`
const TOKEN = `0x${'ef'.repeat(20)}`
const NETWORK = { chainId: 5, token: TOKEN } as Parameters<typeof WalletPart>[0]['network']

test('what a wallet refuses is said in sentences of ours, never in its own words', async () => {
  const refusing = (code: unknown) => ({
    name: 'Test Wallet',
    request: async () => Promise.reject(Object.assign(new Error('execution reverted: 0x08c379a0'), { code })),
  })
  const told = await Promise.all(
    [4001, 4100, 4200, 4900, 4901, 4902, -32_000, -32_002, -32_603, 17, undefined].map((code) =>
      askAddress(refusing(code)).catch((error: Error) => error.message),
    ),
  )
  for (const sentence of told) expect(sentence).toMatch(/^Test Wallet did not do that: (?!.*(?:revert|0x)).+$/)
  expect(told[0]).toContain('declined')
  expect(told[7]).toContain('earlier question')
  expect(new Set(told).size).toBe(told.length - 1)
  const to = { from: OWNER, to: HOST, chainId: 5, amountWei: 1n }
  await expect(topUp(refusing(4001), to)).rejects.toMatchObject({ code: 'page/wallet-refused' })
})

test('“Ask the wallet” offers its person exactly what was typed, in coins or in tokens', async () => {
  const asked: { readonly method: string; readonly params?: readonly unknown[] }[] = []
  let answer: () => unknown = () => `0x${'12'.repeat(32)}`
  const provider = {
    async request(call: (typeof asked)[number]) {
      if (call.method === 'eth_requestAccounts') return [OWNER]
      if (call.method === 'eth_chainId') return '0x5'
      asked.push(call)
      return answer()
    },
  }
  const closing = new AbortController()
  const announce = (): void => {
    const detail = { info: { name: 'Test Wallet' }, provider }
    window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  }
  window.addEventListener('eip6963:requestProvider', announce, { signal: closing.signal })
  const recipient = signal('')
  const parts = { nodeKey: HOST, network: NETWORK, recipient, closing: closing.signal }
  const part = drawn(WalletPart, { ...parts, isSafe: true })
  await says(part, 'Send rewards to Test Wallet')
  part.button('Send rewards to Test Wallet').click()
  await says(part, `Rewards go to ${OWNER}; collateral always returns to the node key.`)
  expect(recipient.value).toBe(OWNER)
  const [coins, tokens] = part.place.querySelectorAll('form')
  const send = (form: HTMLFormElement | undefined, amount: string): void => {
    const field = form?.querySelector('input')
    if (field !== null && field !== undefined) field.value = amount
    form?.querySelector('button')?.click()
  }
  send(coins, 'x')
  await says(part, 'Expected an amount of tokens')
  expect(asked).toEqual([])
  send(coins, '0.5')
  await says(part, 'On its way to the node key: transaction 0x1212121212…')
  send(tokens, '2')
  await expect.poll(() => asked.length).toBe(2)
  const amount = (2n * 10n ** 18n).toString(16).padStart(64, '0')
  const data = `0xa9059cbb${HOST.slice(2).padStart(64, '0')}${amount}`
  expect(asked.map(({ method, params }) => [method, params?.[0]])).toEqual([
    ['eth_sendTransaction', { from: OWNER, to: HOST, value: `0x${(5n * 10n ** 17n).toString(16)}` }],
    ['eth_sendTransaction', { from: OWNER, to: TOKEN, data }],
  ])
  answer = () => {
    throw Object.assign(new Error('transfer amount exceeds balance'), { code: -32_603 })
  }
  send(tokens, '3')
  await says(part, 'Test Wallet did not do that: it failed inside')
  expect(part.place.innerText).not.toContain('exceeds')
  // A key that may be lost is not filled up.
  part.again({ ...parts, isSafe: false })
  await expect.poll(() => part.place.querySelectorAll('form').length).toBe(0)
  closing.abort()
})

test('of two wallets with one name both are shown, by what else they call themselves, and one that announces itself again is not shown twice', async () => {
  const closing = new AbortController()
  const announced = (uuid: string, rdns: string, address: string) => ({
    info: { uuid, name: 'Fox', rdns },
    provider: { request: async () => [address] },
  })
  const both = [announced('1', 'com.example.first', HOST), announced('2', 'org.example.real', OWNER)]
  const announce = (): void => {
    for (const detail of [...both, ...both])
      window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  }
  window.addEventListener('eip6963:requestProvider', announce, { signal: closing.signal })
  const part = drawn(TopUp, { nodeKey: HOST, network: NETWORK, closing: closing.signal })
  await says(part, 'Fill it up from Fox (com.example.first)')
  expect(part.place.querySelectorAll('button')).toHaveLength(2)
  part.button('Fill it up from Fox (org.example.real)').click()
  await says(part, `From ${OWNER}, as often as you ask it to.`)
  expect(part.place.querySelectorAll('form')).toHaveLength(2)
  closing.abort()
})
