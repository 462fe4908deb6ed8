// Chains that live on one's own machine, what Anvil and Hardhat call themselves, and Ganache: nothing is at stake there, and they begin anew at each start.

export const LOCAL_CHAINS: readonly number[] = [31_337, 1337]

export function isLocalChain(chainId: number): boolean {
  return LOCAL_CHAINS.includes(chainId)
}
