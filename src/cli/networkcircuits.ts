// Where the archives of the network's circuits are to be had, by the hash that its chains name (marketplace reference §3.11). Nothing is fetched from there
// unless --circuit says so.

export const NETWORK_CIRCUITS = 'https://circuit.codex.storage/proving-key/'
