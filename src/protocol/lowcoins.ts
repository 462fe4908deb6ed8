// One figure for everybody who warns: coins of the node key that are few.

/** Below this, in wei, gas for some days of proofs is not there any more. */
export const LOW_COINS_WEI = 10_000_000_000_000_000n
