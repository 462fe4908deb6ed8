// How the command is spoken to: help, version, options, settings and their order, bad usage.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verbHelpText } from '../../src/cli/helptext.ts'
import { SETTING_NAMES } from '../../src/cli/settings.ts'
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
  expect(await document(['--version'])).toEqual({ version: packageManifest.version })
})

test.each(VERBS.map((entry) => [entry.name, entry] as const))(
  '%s --help says all that its table knows',
  async (name, entry) => {
    const verb = await entry.load()
    const stdout = await verbHelpText(entry, verb, {})
    expect(stdout.startsWith(`codex-light ${name} `)).toBe(true)
    for (const [option, { about }] of Object.entries(verb.options)) {
      expect(stdout).toContain(`--${option}`)
      expect(stdout).toContain(about)
    }
    for (const line of verb.document.trim().split('\n')) expect(stdout).toContain(line)
    expect(stdout).toContain('20 GiB')
    expect(stdout).toContain('30d')
  },
)

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
    [['config'], 'cli/unknown-verb'],
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
    [['start', '-c5'], 'cli/refused-option'],
    [['start', '-cd'], 'cli/bad-option'],
    [['start', '-cd', '/nowhere', 'prover'], 'cli/no-endpoint'],
    [['start', '--max-workers', '0'], 'cli/bad-value'],
    [['start', 'persistence', 'prover'], 'cli/no-endpoint'],
    [['availability', 'add', '--size', '1GiB'], 'cli/bad-option'],
    [['availability', 'add', '--min-price', '1/GB-month'], 'cli/bad-value'],
    [['availability', 'set', '0x1'], 'cli/bad-option'],
    [['purchase', 'create', 'nonsense'], 'cid/not-base58btc'],
    [['start', 'selling'], 'cli/bad-operands'],
    [['connect', 'nowhere'], 'peer/bad-address'],
  ]
  for (const [args, code] of tries) {
    const found = await failureHere(args)
    expect([args, found.error.code, found.code]).toEqual([args, code, 2])
  }
  expect((await failure(['ls', 'more'])).error.code).toBe('cli/bad-operands')
  expect((await failureHere(['config'])).error.message).toBe('expected config print, found "config"')
  expect((await failureHere(['config', 'write'])).error.message).toBe('expected config print, found "config write"')
  const plain = await run(['ls', '--wat'])
  expect(plain.stdout).toBe('')
  expect(plain.stderr).toMatch(/^codex-light: .*--wat.*codex-light ls --help \(cli\/bad-option\)\n$/)
})

test('options may stand before the verb', async () => {
  const dataDir = join(scratchFolder(), 'data')
  expect(await document(['-d', dataDir, '--storage-quota=1MiB', 'space'])).toMatchObject({ quotaMaxBytes: 2 ** 20 })
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

test('what lies beneath an error is told at log level debug', async () => {
  const missing = ['upload', '/nowhere/at/all', '--log-level']
  expect((await run([...missing, 'info'])).stderr).not.toContain('because')
  expect((await run([...missing, 'debug'])).stderr).toMatch(/\n {2}because: ENOENT/)
})
