// Amounts of tokens as people read them, always with their unit and never rounded. Not for records or wires: those carry plain numbers.

const DECIMALS = 18
/** From here on whole tokens say more than base units. */
const TOKENS_FROM = 10n ** 15n

/** Token base units for people: exact, in tokens where there are many. */
export function formatAmount(wei: bigint): string {
  return wei >= TOKENS_FROM || wei <= -TOKENS_FROM ? `${toTokens(wei)} tokens` : formatWei(wei)
}

/** As the chain counts: exact. */
export function formatWei(wei: bigint): string {
  return `${grouped(String(wei))} wei`
}

/** Exact: every decimal, no zeros behind. */
export function toTokens(wei: bigint): string {
  const sign = wei < 0n ? '-' : ''
  const digits = String(wei < 0n ? -wei : wei).padStart(DECIMALS + 1, '0')
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '')
  return `${sign}${grouped(digits.slice(0, -DECIMALS))}${fraction === '' ? '' : `.${fraction}`}`
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, '\u202f')
}
