// Which names stand for secrets, and how secrets are taken out of running text. Structured values are plainvalue.ts's work.

export const REDACTED = '[redacted]'

/** What a name gives: `secret` values are never shown, `guarded` ones are shown unless they look like a key, `open` ones are shown. */
export type Secrecy = 'secret' | 'guarded' | 'open'

/** Secret wherever they occur in a name, however the words are run together. */
const SECRET_PARTS =
  /passw|passphrase|secret|mnemonic|authorization|credential|privatekey|privkey|apikey|accesskey|authtoken/
/** Secret as words of their own only: `monkey` holds no key. */
const SECRET_WORDS = new Set(['key', 'keys', 'token', 'tokens', 'auth', 'cookie', 'bearer', 'jwt', 'pwd'])
/** Keys that are made to be shown. */
const PUBLIC_WORDS = new Set(['public', 'verification', 'verifying', 'proving'])
/** A name that ends so tells something about the secret, as `passwordFile` or `tokenAddress` do. */
const HARMLESS_ENDINGS = new Set([
  'file',
  'path',
  'folder',
  'address',
  'id',
  'count',
  'size',
  'length',
  'kind',
  'type',
  'name',
])

/** Names are few and come again with every line of a log. */
const judged = new Map<string, Secrecy>()
const MAX_JUDGED = 1000

/** Splits names in any casing (`privateKey`, `API_TOKEN`, `x-auth-token`) and judges the words. */
export function secrecyOf(name: string): Secrecy {
  const known = judged.get(name)
  if (known !== undefined) return known
  const secrecy = judge(name)
  if (judged.size >= MAX_JUDGED) judged.clear()
  judged.set(name, secrecy)
  return secrecy
}

function judge(name: string): Secrecy {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  if (!SECRET_PARTS.test(words.join('')) && !words.some((word) => SECRET_WORDS.has(word))) return 'open'
  return words.some((word) => PUBLIC_WORDS.has(word)) || HARMLESS_ENDINGS.has(words.at(-1) ?? '') ? 'guarded' : 'secret'
}

/** Whether a text has the shape of a 32-byte secret. */
export function looksLikeKey(text: string): boolean {
  return /^(?:0x)?[0-9a-f]{64}$/i.test(text.trim())
}

const SECRETS_IN_TEXT: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // wss://user:password@host
  [/:\/\/[^\s/?#]*@/g, `://${REDACTED}@`],
  // https://host/?apikey=...
  [/([?&][\w-]{0,40}(?:key|token|secret|password)[\w-]{0,40}=)[^&\s#]+/gi, `$1${REDACTED}`],
  // mnemonic: several words of it; Authorization: Basic ...
  [/((?:mnemonic|authorization)["']?\s*[=:]\s*["']?)[^"'\r\n]+/gi, `$1${REDACTED}`],
  [/(\bbearer\s+)[\w.~+/=-]{8,}/gi, `$1${REDACTED}`],
  [
    /((?:password|passphrase|secret|(?:private|priv|api|access)[ _-]?(?:key|token))["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    `$1${REDACTED}`,
  ],
  // "private key 0x..." and the like: 64 hex digits right behind such a word
  [/((?:key|token|secret|password)\W{0,4}(?:0x)?)[0-9a-f]{64}(?![0-9a-f])/gi, `$1${REDACTED}`],
]

/** Takes out what libraries like to quote in messages: credentials in addresses, headers, and values right behind a telling word. */
export function redactText(text: string): string {
  return SECRETS_IN_TEXT.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text)
}
