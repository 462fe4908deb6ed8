// Chains of one machine: on these nothing is at stake, so what would keep a person from selling elsewhere is only told of.

const LOCAL_CHAINS = new Set([1337, 31_337])

export function isLocalChain(chainId: number): boolean {
  return LOCAL_CHAINS.has(chainId)
}
