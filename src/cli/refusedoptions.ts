// Options of the network's other nodes that `start` does not honour, and why (marketplace reference §9). Those it honours are settings.

const MARKET = 'the marketplace is not part of start yet'
const PROVING = 'proving is not part of start yet'
const DHT = 'this node does not take part in the hash table; name peers with --bootstrap-node'

export const REFUSED_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['nat', 'it opens no ports of routers; forward the port and listen on it with --listen-addrs'],
  ['disc-port', DHT],
  ['max-peers', 'it keeps to 160 peers'],
  ['net-privkey', 'the key of the node is kept in its data folder'],
  ['agent-string', 'it calls itself codex-light'],
  ['num-threads', 'it takes as many threads as there are cores'],
  ['repo-kind', 'there is one kind of store'],
  ['cache-size', 'the system caches files'],
  ['block-retries', 'fetches end by time; see download --timeout'],
  ['metrics', 'there are no metrics yet'],
  ['metrics-address', 'there are no metrics yet'],
  ['metrics-port', 'there are no metrics yet'],
  ['log-file', 'log lines go to stderr'],
  ['api-token', 'the token is made anew at each start, in api.json of the data folder'],
  ...['eth-account', 'eth-private-key', 'validator', 'validator-max-slots', 'validator-groups'].map(because(MARKET)),
  ...['validator-group-index', 'request-cache-size', 'simulate-proof-failures', 'max-workers'].map(because(MARKET)),
  ...['circuit-dir', 'circom-r1cs', 'circom-wasm', 'circom-zkey', 'circom-no-zkey'].map(because(PROVING)),
  ...['proof-samples', 'max-slot-depth', 'max-dataset-depth', 'max-block-depth'].map(because(PROVING)),
  ...['max-cell-elements'].map(because(PROVING)),
])

function because(why: string): (name: string) => [name: string, why: string] {
  return (name) => [name, why]
}
