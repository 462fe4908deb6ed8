// Which command helps when an error of this code is met or logged.

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['store/corrupted-record', 'run `codex-light space --repair`'],
  ['network/cannot-listen', 'choose another address or port with `--listen-addrs`'],
  ['market/no-contract', 'name the contract with `--marketplace-address`, or another endpoint with `--eth-provider`'],
  ['market/wrong-chain', 'name another endpoint with `--eth-provider`, or see `--chain-id`'],
  ['sales/other-place', 'with another key, chain or contract give another folder with `--data-dir`'],
  ['proving/file-changed', 'here that is `codex-light circuit info --circuit FOLDER --accept`'],
])

export function adviceFor(code: unknown): string | undefined {
  return typeof code === 'string' ? ADVICE.get(code) : undefined
}
