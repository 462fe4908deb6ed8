import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { LogRecord } from '../../src/lib/log.ts'
import { formatJson, formatText } from '../../src/lib/logformat.ts'
import { plainFields } from '../../src/lib/plainvalue.ts'

const record = (message: string, fields: Record<string, unknown> = {}): LogRecord => ({
  level: 'info',
  time: 1_700_000_000,
  topic: 'repostore',
  message,
  fields: plainFields(fields),
})

describe('formatText', () => {
  it('writes one readable line', () => {
    const fields = { size: 65_536, cid: 'zDvZ', file: 'two words', none: '', list: [1, 'a'], ok: true, nothing: null }
    expect(formatText(record('block stored', fields))).toBe(
      '2023-11-14T22:13:20Z INFO  repostore: block stored size=65536 cid=zDvZ file="two words" none="" list=[1,"a"] ok=true nothing=null',
    )
  })

  it('escapes what would break the line, steer the terminal or reorder it', () => {
    const text = formatText(record('a\nb\u001b[31m\u202e', { 'x\r': 'c\u0085d', y: '\u2028' }))
    expect(text).toContain('repostore: a\\u{a}b\\u{1b}[31m\\u{202e} x\\u{d}="c\\u{85}d" y="\\u{2028}"')
  })

  it('shows a time that is no date as a number', () => {
    expect(formatText({ ...record('x'), time: 1e15 })).toBe('1000000000000000 INFO  repostore: x')
  })

  it('stays one line for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, value) => {
        expect(formatText(record(message, { value }))).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})

describe('formatJson', () => {
  it('writes one JSON object', () => {
    expect(formatJson(record('block\nstored', { size: 1, price: 5n }))).toBe(
      '{"level":"info","time":1700000000,"topic":"repostore","msg":"block\\nstored","size":1,"price":"5"}',
    )
  })

  it('keeps fields apart from its own names', () => {
    expect(JSON.parse(formatJson(record('x', { level: 'a', time: 'b', topic: 'c', msg: 'd' })))).toEqual({
      level: 'info',
      time: 1_700_000_000,
      topic: 'repostore',
      msg: 'x',
      'field.level': 'a',
      'field.time': 'b',
      'field.topic': 'c',
      'field.msg': 'd',
    })
  })

  it('gives any message and fields back', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        (message, rest) => {
          const line = formatJson({ ...record(message), fields: plainFields({ rest }) })
          expect(line).not.toContain('\n')
          expect(JSON.parse(line)).toEqual({
            ...{ level: 'info', time: 1_700_000_000, topic: 'repostore', msg: message },
            ...(JSON.parse(JSON.stringify(plainFields({ rest }))) as object),
          })
        },
      ),
    )
  })
})
