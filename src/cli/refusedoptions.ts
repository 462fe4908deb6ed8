// Options of the network's other nodes that `start` does not honour, and why (marketplace reference §9). Those it honours are settings and its own options.

const DHT = 'this node does not take part in the hash table; name peers with --bootstrap-node'
const CIRCUIT = 'the circuit of the network has no other; see --proof-samples, --max-slot-depth, --max-dataset-depth'

export const REFUSED_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['nat', 'it opens no ports of routers; forward the port and listen on it with --listen-addrs'],
  ['disc-port', DHT],
  ['max-peers', 'it keeps to 160 peers'],
  ['net-privkey', 'the key of the node is kept in its data folder'],
  ['agent-string', 'it calls itself codex-light'],
  ['repo-kind', 'there is one kind of store'],
  ['cache-size', 'the system caches files'],
  ['block-retries', 'fetches end by time; see download --timeout'],
  ['log-file', 'log lines go to stderr'],
  [
    'eth-account',
    'keys that an endpoint holds are not used; make one with codex-light wallet new, or give --eth-private-key',
  ],
  ['request-cache-size', 'requests are kept as long as they are needed'],
  ['circom-r1cs', 'proving needs the .wasm and the .zkey only'],
  ['circom-no-zkey', 'there is no proof without the proving key'],
  ['max-block-depth', CIRCUIT],
  ['max-cell-elements', CIRCUIT],
])

/** Of those, names of one letter. */
export const REFUSED_SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['-u', 'disc-port'],
  ['-c', 'cache-size'],
])

/** Names of two letters behind one dash, of options that are honoured. */
export const PAIRED_SHORT_NAMES: ReadonlyMap<string, string> = new Map([['-cd', 'circuit-dir']])
