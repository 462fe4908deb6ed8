// What the command writes besides answers: progress lines, tables, errors. Streams are fakes here.

import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exitcodes.ts'
import { Progress, progressLine } from '../../src/cli/progress.ts'
import { reportError } from '../../src/cli/reporterror.ts'
import { sentenceOf } from '../../src/cli/sentenceof.ts'
import { table } from '../../src/cli/table.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import { CodexError } from '../../src/lib/errors.ts'

class FakeStream extends Writable {
  readonly isTTY: boolean
  readonly columns = 60
  text = ''

  constructor(isTTY = false) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

function terminalOf({ json = false, tty = false } = {}) {
  const stdout = new FakeStream(tty)
  const stderr = new FakeStream(tty)
  return {
    stdout,
    stderr,
    terminal: new Terminal({ stdout, stderr, json, colour: false, outputClosed: () => undefined }),
  }
}

describe('progress', () => {
  const state = {
    label: 'storing',
    doneBytes: 450 * 2 ** 20,
    totalBytes: 2 ** 30,
    bytesPerSecond: 2 ** 27,
    elapsedSeconds: 3,
  }

  test('says how far, how fast and how long', () => {
    expect(progressLine(state, 120)).toBe('storing  [####......]   43%  450 MiB of 1 GiB  128 MiB/s  5s left')
    expect(progressLine({ ...state, totalBytes: undefined }, 120)).toBe('storing  450 MiB  128 MiB/s  3s')
    expect(progressLine(state, 40)).toBe('storing   43%  128 MiB/s  5s left')
    expect(progressLine(state, 5)).toBe(' 43%')
  })

  test('never is wider than the terminal', () => {
    const bytes = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(bytes, fc.option(bytes, { nil: undefined }), bytes, fc.nat(200), (done, total, rate, columns) => {
        const line = progressLine(
          { label: 'reading', doneBytes: done, totalBytes: total, bytesPerSecond: rate, elapsedSeconds: 7 },
          columns,
        )
        expect(line.length).toBeLessThanOrEqual(columns)
      }),
    )
  })

  test('is only for terminals, and not with --json', async () => {
    for (const [options, attended] of [
      [{ tty: true }, true],
      [{ tty: false }, false],
      [{ tty: true, json: true }, false],
    ] as const) {
      const { terminal, stderr } = terminalOf(options)
      expect(terminal.attended).toBe(attended)
      terminal.remark('hello')
      expect(stderr.text).toBe(attended ? 'hello\n' : '')
      expect(await terminal.progress({ label: 'x' }, async () => 5)).toBe(5)
    }
  })

  test('draws in place and is gone at the end', async () => {
    const stream = new FakeStream(true)
    const progress = new Progress({ label: 'storing', totalBytes: 100, stream, colour: true })
    progress.advance(50)
    await expect.poll(() => stream.text, { timeout: 5000 }).toContain('50%')
    progress.end()
    expect(stream.text).not.toContain('\n')
    expect(stream.text.endsWith('\r\u001b[K')).toBe(true)
  })

  test('makes room for a line that is told meanwhile, and goes on below it', async () => {
    const { terminal, stdout, stderr } = terminalOf({ tty: true })
    await terminal.progress({ label: 'waiting', totalBytes: 100 }, async (advance) => {
      advance(10)
      await expect.poll(() => stderr.text, { timeout: 5000 }).toContain('10%')
      await terminal.tell('slot 0 is filled')
      expect([stdout.text, stderr.text.endsWith('\r\u001b[K')]).toEqual(['slot 0 is filled\n', true])
      advance(90)
      await expect.poll(() => stderr.text, { timeout: 5000 }).toContain('90%')
    })
  })
})

test('a table keeps its columns and its reader safe', () => {
  const rows = [
    ['A', 'N'],
    ['x\u001b[31m', '10'],
    ['long name', '2'],
  ]
  expect(table(rows, [1]).split('\n')).toEqual(['A             N', 'x\\u{1b}[31m  10', 'long name     2'])
})

describe('errors', () => {
  test('an expected one is a sentence, and a document with --json', async () => {
    const { terminal, stdout, stderr } = terminalOf({ json: true })
    const error = new CodexError('store/quota-exceeded', 'too\u001b[2J much', { detail: { neededBytes: 5n } })
    expect(await reportError(error, terminal, false)).toBe(5)
    expect(stderr.text).toBe('codex-light: too\\u{1b}[2J much (store/quota-exceeded)\n')
    expect(JSON.parse(stdout.text)).toMatchObject({
      error: { code: 'store/quota-exceeded', detail: { neededBytes: '5' } },
    })
  })

  test('sizes are told with units, and to the byte where rounding would hide the difference', () => {
    const told = (neededBytes: number, freeBytes: number): string =>
      sentenceOf(
        new CodexError('store/quota-exceeded', 'x', { detail: { neededBytes, freeBytes, quotaBytes: 2 ** 30 } }),
      )
    expect(told(458_752, 2048)).toMatch(/^448 KiB more do not fit: 2 KiB of 1 GiB are free; .*--storage-quota/)
    expect(told(2 ** 20 + 1, 2 ** 20)).toMatch(/^1048577 bytes more do not fit: 1048576 bytes of 1 GiB are free/)
    expect(sentenceOf(new CodexError('store/quota-exceeded', 'as it is'))).toBe('as it is')
  })

  test('an unexpected one brings its stack and asks to be reported', async () => {
    const { terminal, stdout, stderr } = terminalOf()
    expect(await reportError(new TypeError('broken'), terminal, false)).toBe(1)
    expect(stderr.text).toMatch(/please report[^]*TypeError: broken\n +at /)
    expect(stdout.text).toBe('')
  })

  test('each has the exit code of its row', () => {
    const codes = [
      'cli/x',
      'cid/x',
      'units/x',
      'cli/interrupted',
      'cli/output-closed',
      'store/quota-exceeded',
      'slab/full',
    ]
    expect(codes.map((code) => exitCodeOf(new CodexError(code, '')))).toEqual([2, 2, 2, 130, 0, 5, 1])
    expect(exitCodeOf(new Error('x'))).toBe(1)
  })
})
