import { describe, expect, it } from 'vitest'

import { redactText, secrecyOf } from '../../src/lib/redact.ts'

const SECRET = '4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d'

describe('secrecyOf', () => {
  it.each(
    'key password token secret privateKey private_key PRIVATE_KEY privatekey mnemonic authorization Authorization apiKey api-token x-auth-token ETH_PRIVATE_KEY clientSecretValue keyBytes passphrase passwd keys cookie bearer walletPassword mnemonicPhrase'.split(
      ' ',
    ),
  )('hides %s', (name) => {
    expect(secrecyOf(name)).toBe('secret')
  })

  it.each('publicKey verificationKey proving_key passwordFile tokenAddress keyCount keyId'.split(' '))(
    'guards %s',
    (name) => {
      expect(secrecyOf(name)).toBe('guarded')
    },
  )

  it.each('monkey keyboard turnkey slotId size cid topic author tokenizer stoken hash seed'.split(' '))(
    'shows %s',
    (name) => {
      expect(secrecyOf(name)).toBe('open')
    },
  )
})

describe('redactText', () => {
  it.each([
    ['cannot reach wss://user:pa@ss@host:8546/ws', 'cannot reach wss://[redacted]@host:8546/ws'],
    ['GET https://host/v2?apikey=abc123&block=1', 'GET https://host/v2?apikey=[redacted]&block=1'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: [redacted]'],
    ['{"mnemonic":"test test junk","a":1}', '{"mnemonic":"[redacted]","a":1}'],
    ['sent bearer abcdef.ghi-jkl', 'sent bearer [redacted]'],
    ['password=hunter2 user=me', 'password=[redacted] user=me'],
    [`bad private key 0x${SECRET}`, 'bad private key 0x[redacted]'],
    [`invalid key (${SECRET.toUpperCase()})`, 'invalid key ([redacted])'],
  ])('cleans %s', (text, clean) => {
    expect(redactText(text)).toBe(clean)
  })

  it.each([
    'no such block',
    `slot 0x${SECRET} filled`,
    'token contract 0xde09e74d4888bc4e65f589e8c13bce9f71ddf4c7',
    'mail me@example.org',
    'see https://host/path@2',
  ])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text)
  })
})
