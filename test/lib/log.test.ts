import { describe, expect, it } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { Log, type LogRecord, type LogSink } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { RingBuffer } from '../../src/lib/ringbuffer.ts'

function open(text = 'trace', sinks: readonly LogSink[] = []) {
  const ring = new RingBuffer<LogRecord>(100)
  const clock = new ManualClock(1_700_000_000)
  const levels = new LogLevels(text)
  const log = new Log({ clock, levels, sinks: [...sinks, (record) => ring.push(record)] })
  return { log, clock, levels, records: () => ring.toArray() }
}

describe('Log', () => {
  it('records level, time, topic, message and fields', () => {
    const { log, clock, records } = open()
    log.topic('repostore').info('block stored', { size: 65_536, price: 2n ** 64n })
    clock.advance(5)
    log.warn('alone')
    expect(records()).toEqual([
      {
        level: 'info',
        time: 1_700_000_000,
        topic: 'repostore',
        message: 'block stored',
        fields: { size: 65_536, price: '18446744073709551616' },
      },
      { level: 'warn', time: 1_700_000_005, topic: 'node', message: 'alone', fields: {} },
    ])
  })

  it('has a verb for every level', () => {
    const { log, records } = open()
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[level](level)
    expect(records().map(({ level, message }) => [level, message])).toEqual(
      ['trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, level]),
    )
  })

  it('heeds the level of its topic, also when it changes', () => {
    const { log, levels, records } = open('warn;trace:loud')
    const loud = log.topic('loud')
    const quiet = log.topic('quiet')
    loud.trace('1')
    quiet.info('2')
    levels.set('info;off:loud')
    loud.error('3')
    quiet.info('4')
    expect(records().map(({ message }) => message)).toEqual(['1', '4'])
    expect([loud.isOn('error'), quiet.isOn('info'), quiet.isOn('debug')]).toEqual([false, true, false])
  })

  it('asks nothing for a level that is off', () => {
    let asked = 0
    const fields = () => ({ asked: ++asked })
    const levels = new LogLevels('info')
    const clock = {
      now() {
        asked++
        return 0
      },
    }
    const log = new Log({ clock, levels, sinks: [] })
    log.debug('off', fields)
    expect(asked).toBe(0)
    log.info('on', fields)
    expect(asked).toBe(2)
  })

  it('carries bound fields, the nearest winning', () => {
    const { log, records } = open()
    log
      .with({ slotId: 'a', size: 1 })
      .topic('sale')
      .with({ size: 2 })
      .info('x', () => ({ more: 3 }))
    expect(records()[0]).toMatchObject({ topic: 'sale', fields: { slotId: 'a', size: 2, more: 3 } })
  })

  it('hides secrets before any sink sees them', () => {
    const { log, records } = open()
    log.error('bad password=hunter2', {
      token: 'abc',
      error: new CodexError('a/b', 'm', { detail: { privateKey: 'def' } }),
    })
    expect(records()[0]).toMatchObject({
      message: 'bad password=[redacted]',
      fields: { token: '[redacted]', error: { code: 'a/b', message: 'm', detail: { privateKey: '[redacted]' } } },
    })
  })

  it('never throws into its caller, and a broken sink does not rob the others', () => {
    const broken: LogSink = () => {
      throw new Error('disk full')
    }
    const { log, records } = open('info', [broken])
    log.info('kept')
    log.with({ bound: 1 }).info('fields', () => {
      throw new CodexError('a/b', 'planned')
    })
    log.info('getter', {
      get bad(): string {
        throw new CodexError('a/b', 'planned')
      },
    })
    expect(records().map(({ message, fields }) => [message, fields])).toEqual([
      ['kept', {}],
      ['fields', { bound: 1, fieldsFailed: { code: 'a/b', message: 'planned' } }],
      ['getter', { fieldsFailed: { code: 'a/b', message: 'planned' } }],
    ])
  })

  it('takes no topic that a level could not name', () => {
    expect(() => open().log.topic('Repo Store')).toThrow('topic')
  })
})
