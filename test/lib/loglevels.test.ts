import { describe, expect, it } from 'vitest'

import { type LogLevel, LogLevels, MAX_LOG_LEVELS_TEXT } from '../../src/lib/loglevels.ts'

const ALL: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']
const on = (levels: LogLevels, topic: string) => ALL.filter((level) => levels.isOn(topic, level))

describe('LogLevels', () => {
  it('begins at info', () => {
    expect(on(new LogLevels(), 'any')).toEqual(['info', 'warn', 'error'])
  })

  it.each([
    ['trace', 5],
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['off', 0],
    ['NOTICE', 3],
    ['Fatal', 1],
    ['none', 0],
  ])('lets %s show %i levels', (text, count) => {
    expect(on(new LogLevels(text), 'any')).toHaveLength(count)
  })

  it('reads levels of topics behind the level of all', () => {
    const levels = new LogLevels('WARN; trace:repostore, slotqueue ;off:Exchange;debug:slotqueue')
    expect(on(levels, 'other')).toEqual(['warn', 'error'])
    expect(on(levels, 'repostore')).toEqual(ALL)
    expect(on(levels, 'slotqueue')).toHaveLength(4)
    expect(on(levels, 'exchange')).toEqual([])
    expect(String(levels)).toBe('warn;trace:repostore;debug:slotqueue;off:exchange')
    expect(String(new LogLevels(String(levels)))).toBe(String(levels))
  })

  it('takes topics alone, the rest at its default', () => {
    expect(String(new LogLevels('trace:repostore'))).toBe('info;trace:repostore')
  })

  it.each([
    '',
    'loud',
    'info;',
    ';info',
    'info;debug',
    'info;trace:',
    'info;trace:a,',
    'info;trace:a:b',
    'info;:a',
    'info;loud:a',
    'info;trace:a b',
    'info;trace:__proto__',
    'constructor',
    `info;trace:${'a'.repeat(MAX_LOG_LEVELS_TEXT)}`,
  ])('refuses %j and changes nothing', (text) => {
    const levels = new LogLevels('debug;off:a')
    expect(() => levels.set(text)).toThrow(expect.objectContaining({ code: 'log/bad-level' }))
    expect(String(levels)).toBe('debug;off:a')
  })
})
