// How the command is spoken to: help, version, options, settings and their order, bad usage.

import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exitcodes.ts'
import { verbHelpText } from '../../src/cli/helptext.ts'
import { readOptions } from '../../src/cli/option.ts'
import { findVerb, parseArguments } from '../../src/cli/parsecommand.ts'
import { COMMON_SETTINGS, SETTING_NAMES } from '../../src/cli/settings.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { DEFAULT_MAX_DAILY_SPEND_WEI } from '../../src/market/ethersmarket.ts'
import { DEFAULT_MAX_GAS_PRICE_WEI } from '../../src/market/nodekey.ts'
import { VERBS } from '../../src/cli/verbs.ts'
import packageManifest from '../../package.json' with { type: 'json' }
import { document, failure, failureHere, run, scratchFolder } from './command.ts'

test('--help names every verb, setting and exit code; --version the version', async () => {
  const { code, stdout, stderr } = await run(['--help'])
  expect([code, stderr]).toEqual([0, ''])
  for (const { name } of VERBS) expect(stdout).toContain(`  ${name} `)
  for (const name of SETTING_NAMES) expect(stdout).toContain(`--${name} `)
  for (const exit of [0, 1, 2, 3, 4, 5, 130]) expect(stdout).toMatch(new RegExp(`^ +${exit} `, 'm'))
  expect(await run(['--version'])).toEqual({ code: 0, stdout: `${packageManifest.version}\n`, stderr: '' })
  expect(await document(['-v'])).toEqual({ version: packageManifest.version })
})

test.each(VERBS.map((entry) => [entry.name, entry] as const))(
  '%s --help says all that its table knows',
  async (name, entry) => {
    const verb = await entry.load()
    const stdout = await verbHelpText(entry, verb, {})
    expect(stdout.startsWith(`codex-light ${name} `)).toBe(true)
    for (const [option, { about, isRequired }] of Object.entries(verb.options)) {
      expect(stdout).toContain(`--${option}`)
      expect(stdout).toContain(isRequired === true ? `required: ${about}` : about)
    }
    for (const line of verb.document.trim().split('\n')) expect(stdout).toContain(line)
    expect(stdout).toContain('30d')
  },
)

test.each(VERBS.map((entry) => [entry.name, entry] as const))(
  '%s --help lists the settings that it uses, where the others are, and examples that are read',
  async (name, entry) => {
    const verb = await entry.load()
    const stdout = await verbHelpText(entry, verb, {})
    const used = new Set([...COMMON_SETTINGS, ...(verb.settings ?? [])])
    const listed = SETTING_NAMES.filter((setting) =>
      stdout.includes(`[CODEX_LIGHT_${setting.toUpperCase().replaceAll('-', '_')};`),
    )
    expect(listed).toEqual(SETTING_NAMES.filter((setting) => used.has(setting)))
    expect(stdout.includes('codex-light --help lists the settings of other verbs')).toBe(
      used.size < SETTING_NAMES.length,
    )
    expect(verb.examples.length).toBeGreaterThan(0)
    for (const example of verb.examples) {
      expect(stdout).toContain(`  ${example}\n`)
      const [command, ...argv] = example.split(' ')
      const found = findVerb(argv)
      if (found === undefined || 'group' in found) throw new Error(`${example} has no verb`)
      expect([command, found.entry.name]).toEqual(['codex-light', name])
      const { raw } = parseArguments(found, verb)
      expect(() => readOptions(verb.options, raw)).not.toThrow()
    }
  },
)

test('a verb that does not touch store or chain is not explained with their settings', async () => {
  const ls = (await run(['ls', '--help'])).stdout
  for (const absent of ['--eth-provider', '--api-port', '--max-gas-price']) expect(ls).not.toContain(absent)
})

test('the help of caps tells what holds without them', async () => {
  const { stdout } = await run(['--help'])
  const [gasPrice = '', spend = ''] = ['max-gas-price', 'max-daily-spend'].map(
    (name) => new RegExp(`--${name} .*`).exec(stdout)?.[0] ?? '',
  )
  expect(gasPrice).toContain(`${DEFAULT_MAX_GAS_PRICE_WEI / 10n ** 9n} gwei without it`)
  expect(spend).toContain(`${Number(DEFAULT_MAX_DAILY_SPEND_WEI) / 1e18} coin without it`)
  expect(stdout).toContain('20GB (powers of 1000; of 1024 for --storage-quota)')
})

test('a group of verbs lists its verbs: with --help, and alone as what was wrong', async () => {
  const asked = await run(['wallet', '--help'])
  expect([asked.code, asked.stderr]).toEqual([0, ''])
  for (const { name, summary } of VERBS)
    expect(asked.stdout.includes(`${name} `) && asked.stdout.includes(summary)).toBe(name.startsWith('wallet '))
  const alone = await run(['slots'])
  expect([alone.code, alone.stdout]).toEqual([2, ''])
  expect(alone.stderr).toContain('slots verify  hash slots again and compare')
  expect(alone.stderr).toMatch(
    /\ncodex-light: expected one of slots list, .*; see codex-light slots --help \(cli\/no-verb\)\n$/,
  )
  expect(await run(['slots', '--version'])).toMatchObject({ code: 0, stdout: `${packageManifest.version}\n` })
})

test('help as a verb says what --help says', async () => {
  expect(await run(['help'])).toEqual(await run(['--help']))
  expect(await run(['help', 'wallet'])).toEqual(await run(['wallet', '--help']))
  expect(await run(['help', 'wallet', 'send'])).toEqual(await run(['wallet', 'send', '--help']))
  expect(await document(['help', 'upload'])).toEqual(await document(['upload', '--help']))
  expect((await failureHere(['help', 'uplod'])).error.code).toBe('cli/unknown-verb')
})

test('a verb that is misspelt is told from its operands, and which one may be meant', async () => {
  for (const [argv, message] of [
    [['uplod', 'holiday.jpg'], 'no verb "uplod"; did you mean upload?; see codex-light --help'],
    [['walet', 'new'], 'no verb "walet"; did you mean wallet new?; see codex-light --help'],
    [['walet'], 'no verb "walet"; did you mean wallet?; see codex-light --help'],
    [['slots', 'shw', 'CID'], 'no verb "slots shw"; did you mean slots show?; see codex-light slots --help'],
    [['proof-inptu', 'CID', '1'], 'no verb "proof-inptu"; did you mean proof-input?; see codex-light --help'],
    [['fly', 'away'], 'no verb "fly"; see codex-light --help'],
    [['config', 'write'], 'no verb "config write"; see codex-light config --help'],
    // Short names have little in common with each other.
    [['mv'], 'no verb "mv"; see codex-light --help'],
    [['rmm'], 'no verb "rmm"; did you mean rm?; see codex-light --help'],
  ] as const)
    expect((await failureHere(argv)).error).toMatchObject({ code: 'cli/unknown-verb', message })
})

test('an option that takes another one as its value says how a value with a dash is written', async () => {
  for (const [argv, option] of [
    [['start', '--api-port', '--help'], 'api-port'],
    [['ls', '-d', '-h'], 'data-dir'],
  ] as const)
    expect((await failureHere(argv)).error).toMatchObject({
      code: 'cli/bad-option',
      message: `--${option} wants a value, found another option; for a value that begins with - write --${option}=VALUE; see codex-light ${argv[0]} --help`,
    })
  expect((await failureHere(['upload', '-', '--filename=-x', '--mimetype', 'bad'])).error.message).toContain(
    '--mimetype',
  )
})

test('what is missing or wrong says where the right options are told', async () => {
  const cid = 'zDvZRwzmBEaJ338xaCHbKbGAJ4X41YyccS6eyorrYBbmPnWuLxCh'
  for (const [argv, verb, says] of [
    [['upload', 'FILE', '--no-metadata', '--filename', 'x'], 'upload', '--no-metadata'],
    [['upload', 'FILE', '--mimetype', 'x'], 'upload', '--mimetype'],
    [
      ['availability', 'add', '--size', '1GiB'],
      'availability add',
      'expected --duration, --min-price, --collateral, found nothing',
    ],
    [['availability', 'set', 'ID'], 'availability set', 'at least one term'],
    [['proof-input', cid, '1'], 'proof-input', 'expected --challenge, found nothing'],
    [['proof-input', cid, '1', '--challenge', '0x1'], 'proof-input', '--challenge: expected 0x and 64 hex digits'],
    [['wallet', 'send', '1.5', '0x1'], 'wallet send', 'AMOUNT: expected an amount such as 1.5tokens'],
    [['wallet', 'send', '1.5tokens', '0x1', '--coins'], 'wallet send', 'AMOUNT: expected a whole number'],
    [['wallet', 'send', '0', '0x1'], 'wallet send', 'AMOUNT: expected more than nothing'],
    [
      ['purchase', 'create', cid, '--price', '1'],
      'purchase create',
      'expected --duration, --collateral, found nothing',
    ],
    [['bench'], 'bench', 'expected --prove'],
    [['prove'], 'prove', 'expected --input'],
  ] as const) {
    const { code, error } = await failureHere(argv)
    expect(error.message).toContain(says)
    expect([code, error.message.endsWith(`; see codex-light ${verb} --help`)]).toEqual([2, true])
    expect(error.message.split('; see ')).toHaveLength(2)
  }
})

test('the text is what the command prints', async () => {
  for (const name of ['upload', 'wallet send']) {
    const entry = VERBS.find((each) => each.name === name)
    if (entry === undefined) throw new Error(`there is no verb ${name}`)
    const { code, stdout, stderr } = await run([...name.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.trimEnd()).toBe((await verbHelpText(entry, await entry.load(), {})).trimEnd())
  }
})

test('bad usage is exit code 2 and one sentence', async () => {
  const tries: readonly [args: string[], code: string][] = [
    [[], 'cli/no-verb'],
    [['fly'], 'cli/unknown-verb'],
    [['config'], 'cli/no-verb'],
    [['config', 'write'], 'cli/unknown-verb'],
    [['--wat'], 'cli/bad-option'],
    [['ls', '--wat'], 'cli/bad-option'],
    [['ls', '--quota', '1'], 'cli/bad-option'],
    [['ls', '--json=yes'], 'cli/bad-option'],
    [['ls', '--data-dir'], 'cli/bad-option'],
    [['ls', 'more'], 'cli/bad-operands'],
    [['rm'], 'cli/bad-operands'],
    [['space', '-q', 'much'], 'units/not-a-size'],
    [['space', '--block-ttl', '30x'], 'units/not-a-duration'],
    [['space', '--block-mi', '0s'], 'cli/bad-value'],
    [['space', '--block-mn', '0'], 'cli/bad-value'],
    [['space', '--log-level', 'loud'], 'log/bad-level'],
    [['space', '--log-format', 'xml'], 'cli/bad-value'],
    [['start', '--api-port', '65536'], 'cli/bad-value'],
    [['start', '--nat', 'any'], 'cli/refused-option'],
    [['start', '--circom-no-zkey'], 'cli/refused-option'],
    [['start', '--disc-port=8090'], 'cli/refused-option'],
    [['start', '-u', '8090'], 'cli/refused-option'],
    [['start', '--nat:extip:192.0.2.1'], 'cli/refused-option'],
    [['start', '-u:8090'], 'cli/refused-option'],
    [['start', '-cd:/nowhere', 'prover'], 'cli/no-endpoint'],
    [['ls', '--wat:1'], 'cli/bad-option'],
    [['ls', '--json:yes'], 'cli/bad-option'],
    [['start', '-c5'], 'cli/refused-option'],
    [['start', '-cd'], 'cli/bad-option'],
    [['start', '-cd=/nowhere', 'prover'], 'cli/no-endpoint'],
    [['start', '--validator', '--validator-groups', '1'], 'cli/bad-value'],
    [['start', '--validator', '--validator-groups', '65536'], 'cli/bad-value'],
    [['start', '--validator', '--validator-group-index', '65535'], 'cli/bad-value'],
    [['start', '--num-threads', '1'], 'cli/bad-value'],
    [['start', '--eth-private-key', '/nonexistent/key', '--validator-groups', '0'], 'cli/bad-value'],
    [['start', '-cd', '/nowhere', 'prover'], 'cli/no-endpoint'],
    [['start', '--max-workers', '0'], 'cli/bad-value'],
    [['start', 'persistence', 'prover'], 'cli/no-endpoint'],
    [['availability', 'add', '--size', '1GiB'], 'cli/bad-option'],
    [['availability', 'add', '--min-price', '1/GB-month'], 'cli/bad-value'],
    [['availability', 'set', '0x1'], 'cli/bad-option'],
    [['purchase', 'create', 'nonsense', '--duration=1d', '--price=1', '--collateral=1'], 'cid/not-base58btc'],
    [['start', 'selling'], 'cli/bad-operands'],
    [['connect', 'nowhere'], 'peer/bad-address'],
  ]
  for (const [args, code] of tries) {
    const found = await failureHere(args)
    expect([args, found.error.code, found.code]).toEqual([args, code, 2])
  }
  expect((await failure(['ls', 'more'])).error.code).toBe('cli/bad-operands')
  const plain = await run(['ls', '--wat'])
  expect(plain.stdout).toBe('')
  expect(plain.stderr).toMatch(/^codex-light: .*--wat.*codex-light ls --help \(cli\/bad-option\)\n$/)
})

test('options may stand before the verb', async () => {
  const dataDir = join(scratchFolder(), 'data')
  expect(await document(['-d', dataDir, '--storage-quota=1MiB', 'space'])).toMatchObject({ quotaMaxBytes: 2 ** 20 })
})

test('a value may follow a colon or an equals sign, whether the name is long or a letter, as other nodes read it', async () => {
  const dataDir = join(scratchFolder(), 'data')
  for (const folder of [`-d=${dataDir}`, `-d:${dataDir}`, `--data-dir:${dataDir}`, `-d${dataDir}`])
    for (const quota of ['-q=1MiB', '-q:1MiB', '--storage-quota:1MiB'])
      expect(await document(['config', 'print', folder, quota])).toMatchObject({
        'data-dir': { value: dataDir, source: 'flag' },
        'storage-quota': { value: 2 ** 20, source: 'flag' },
      })
  expect(await document([`-d:${dataDir}`, 'config', 'print', '-b:x:1'])).toMatchObject({
    'data-dir': { value: dataDir },
    'bootstrap-node': { value: ['x:1'] },
  })
})

test('a flag wins over the environment, the environment over the default, and config print says which', async () => {
  const env = {
    CODEX_LIGHT_STORAGE_QUOTA: '5GiB',
    CODEX_LIGHT_BLOCK_TTL: '2h',
    CODEX_LIGHT_BLOCK_MN: '',
    XDG_DATA_HOME: '/somewhere/data',
  }
  const found = await document(['config', 'print', '-q', '1KiB', '--log-level', 'debug', '-b', 'a', '-b', 'b'], { env })
  expect(Object.keys(found)).toEqual(SETTING_NAMES)
  expect(found).toMatchObject({
    'bootstrap-node': { value: ['a', 'b'], source: 'flag' },
    'api-port': { value: 8080, source: 'default' },
    'eth-provider': { value: null, source: 'default' },
    'data-dir': { value: '/somewhere/data/codex-light', source: 'default' },
    'storage-quota': { value: 1024, source: 'flag' },
    'block-ttl': { value: 7200, source: 'environment' },
    'block-mi': { value: 600, source: 'default' },
    'block-mn': { value: 1000, source: 'default' },
    'log-level': { value: 'debug', source: 'flag' },
    'log-format': { value: 'auto', source: 'default' },
  })
  const { stdout } = await run(['config', 'print'], { env })
  expect(stdout).toMatch(/^storage-quota +5 GiB +CODEX_LIGHT_STORAGE_QUOTA$/m)
  // As other nodes read them.
  const spelled = { ...env, CODEX_LIGHT_BLOCK_TTL: '86400' }
  expect(await document(['config', 'print', '-q', '8gb', '--block-mi=1.5h'], { env: spelled })).toMatchObject({
    'storage-quota': { value: 8 * 2 ** 30 },
    'block-ttl': { value: 86_400, source: 'environment' },
    'block-mi': { value: 5400, source: 'flag' },
  })
  const home = await document(['config', 'print'], { env: { HOME: '/home/somebody', XDG_DATA_HOME: 'relative' } })
  expect(home['data-dir']).toEqual({ value: '/home/somebody/.local/share/codex-light', source: 'default' })
})

test('a file gives what flags and environment leave open, and what is wrong in it is refused by name', async () => {
  const folder = scratchFolder()
  const file = (content: string): string[] => {
    writeFileSync(join(folder, 'config.toml'), content)
    return ['--config-file', join(folder, 'config.toml')]
  }
  const given = file(`storage-quota = "2GiB"
block-mn = 7
block-ttl = "1h"
bootstrap-node = ["a", "b"]
[persistence]
eth-provider = "ws://localhost:8545"
max-gas-price = 9223372036854775807 # more than a double holds
[persistence.prover]
bridge = true # of start, nothing to others`)
  const env = { CODEX_LIGHT_BLOCK_TTL: '2h' }
  expect(await document(['config', 'print', ...given, '-q', '1GiB'], { env })).toMatchObject({
    'storage-quota': { value: 2 ** 30, source: 'flag' },
    'block-ttl': { value: 7200, source: 'environment' },
    'block-mn': { value: 7, source: 'file' },
    'bootstrap-node': { value: ['a', 'b'], source: 'file' },
    'eth-provider': { value: 'ws://localhost:8545', source: 'file' },
    'max-gas-price': { value: '9223372036854775807', source: 'file' },
  })
  const elsewhere = file('storage-quota = "20g"\nblock-ttl = 86400\nlog-format = "nocolors"')
  expect(await document(['config', 'print', ...elsewhere])).toMatchObject({
    'storage-quota': { value: 20 * 2 ** 30 },
    'block-ttl': { value: 86_400, source: 'file' },
    'log-format': { value: 'nocolors' },
  })
  for (const [content, code] of [
    ['storage-quota = "lots"', 'units/not-a-size'],
    ['storage-quota = ', 'cli/bad-config-file'],
    ['storage-quota = { a = { b = { c = { d = 1 } } } }', 'cli/bad-config-file'],
    ['block-ttl = 2026-01-01', 'cli/bad-config-file'],
    ['a = 1\n[b]\na = 2', 'cli/bad-config-file'],
  ] as const)
    expect((await failure(['space', ...file(content)])).error).toMatchObject({ code })
  expect((await failure(['start', ...file('storage-quotta = "1GiB"')])).error.message).toContain('storage-quotta')
  expect((await failure(['start', ...file('nat = "any"')])).error.code).toBe('cli/refused-option')
  expect((await failure(['space', '--config-file', '/nowhere'])).error.code).toBe('cli/bad-config-file')
})

test('what start does not honour is refused in the environment too, and what does nothing is told of', async () => {
  const { error } = await failure(['start'], { env: { CODEX_LIGHT_NAT: 'any' } })
  expect(error.code).toBe('cli/refused-option')
  expect(error.message).toContain('CODEX_LIGHT_NAT')
  const idle = ['--validator-groups', '2', '--metrics-port', '0', '--bridge-max-tabs', '3', '--api-token', 'a blank']
  idle.push('--metrics=false', '--bridge=off')
  const { stderr } = await run(['start', ...idle])
  for (const [name, partner] of [
    ['validator-groups', 'validator'],
    ['metrics-port', 'metrics'],
    ['bridge-max-tabs', 'bridge'],
  ])
    expect(stderr).toContain(`--${name} does nothing without --${partner}`)
  const index = await run(['start', '--validator=true', '--validator-group-index', '1', '--api-token', 'a blank'])
  expect(index.stderr).toContain('--validator-group-index does nothing without --validator-groups')
  expect(index.stderr).not.toContain('without --validator\n')
  expect(index.stderr).not.toContain('--eth-provider')
})

test('without a chain what is of use in the marketplace only is told of, and a key that cannot be read is refused', async () => {
  const market = ['--marketplace-address', `0x${'ab'.repeat(20)}`, '--max-gas-price', '1', '--confirmations', '2']
  const { stderr } = await run([
    'start',
    '--circuit-dir',
    '/nonexistent',
    '--num-threads',
    '2',
    ...market,
    '--api-host',
    'none:1',
  ])
  for (const name of ['circuit-dir', 'num-threads', 'marketplace-address', 'max-gas-price', 'confirmations'])
    expect(stderr).toContain(`codex-light: --${name} does nothing without --eth-provider\n`)
  const { code, error } = await failureOfLast(['start', '--eth-private-key', '/nonexistent/key', '-d', scratchFolder()])
  expect([code, error]).toEqual([4, expect.stringMatching(/^wallet\//)])
})

test('of two circuits that are named none is taken in silence', async () => {
  const folder = scratchFolder()
  const key = join(folder, 'key')
  writeFileSync(key, `${'12'.repeat(32)}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'circuit.zip'), '')
  const start = [
    'start',
    '-d',
    join(folder, 'data'),
    '--eth-provider',
    'http://127.0.0.1:9',
    '--eth-private-key',
    key,
    '--circuit',
  ]
  for (const [circuit, other] of [
    [join(folder, 'circuit.zip'), 'circom-wasm'],
    ['https://example.org/', 'circom-zkey'],
    ['https://example.org/', 'circuit-dir'],
    [folder, 'circuit-dir'],
  ] as const) {
    const { code, error } = await failureHere([...start, circuit, `--${other}`, '/nowhere'])
    expect([code, error.message]).toEqual([
      2,
      expect.stringContaining(`expected no --${other} beside --circuit ${circuit}`),
    ])
  }
})

test('a bad value of a switch or in the environment is refused by its name', async () => {
  expect((await failure(['start', '--metrics=maybe'])).error).toMatchObject({
    code: 'cli/bad-value',
    detail: { from: '--metrics' },
  })
  const { code, error } = await failure(['space'], { env: { CODEX_LIGHT_STORAGE_QUOTA: 'lots' } })
  expect([code, error.code, error.detail['from']]).toEqual([2, 'units/not-a-size', 'CODEX_LIGHT_STORAGE_QUOTA'])
  expect(error.message).toContain('CODEX_LIGHT_STORAGE_QUOTA')
})

test('a port for peers that is taken is named, with the option that chooses another', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const taken = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
  const { code, error } = await failure(['start', '-d', scratchFolder(), '-p', '0', '-i', taken])
  expect([code, error.code, error.message]).toEqual([
    1,
    'network/cannot-listen',
    `cannot listen for peers on ${taken}; is another program on that port? choose another address or port with \`--listen-addrs\``,
  ])
})

test('exit codes are explained by what ends with them', async () => {
  const { stdout } = await run(['--help'])
  const said = (code: number): string => new RegExp(`^ +${code} +(.*)$`, 'm').exec(stdout)?.[1] ?? ''
  for (const [code, exit, words] of [
    ['market/wrong-chain', 1, 'wrong chain'],
    ['market/no-contract', 1, 'no contract'],
    ['network/cannot-listen', 1, 'port in use'],
    ['rest/cannot-listen', 1, 'port in use'],
    ['cli/no-password', 2, 'no endpoint and no password'],
    ['cli/no-endpoint', 2, 'no endpoint and no password'],
    ['node/not-running', 3, 'no node runs'],
    ['wallet/low-tokens', 4, 'no tokens'],
    ['proving/development-key', 5, 'a key for development only'],
  ] as const) {
    expect([code, exitCodeOf(new CodexError(code, ''))]).toEqual([code, exit])
    expect(said(exit)).toContain(words)
  }
})

test('what lies beneath an error is told at log level debug', async () => {
  const missing = ['upload', '/nowhere/at/all', '--log-level']
  expect((await run([...missing, 'info'])).stderr).not.toContain('because')
  expect((await run([...missing, 'debug'])).stderr).toMatch(/\n {2}because: ENOENT/)
})

/** Of a command that says more before it fails. */
async function failureOfLast(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly error: string }> {
  const { code, stderr } = await run(args)
  return { code, error: /\(([a-z-]+\/[a-z-]+)\)\n$/.exec(stderr)?.[1] ?? stderr }
}
