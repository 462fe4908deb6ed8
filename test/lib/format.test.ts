import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import {
  formatBytes,
  formatInstant,
  formatSizes,
  formatCount,
  formatDuration,
  parseBinaryBytes,
  parseBytes,
  parseDuration,
  parseSpan,
} from '../../src/lib/format.ts'
import { GiB, KiB, MiB } from '../../src/lib/units.ts'

const safe = fc.maxSafeNat()

/** A value, or undefined when the parser refused with the code it owes; any other error fails the test. */
function parsed(parse: () => number, code: string): number | undefined {
  try {
    return parse()
  } catch (error) {
    if (CodexError.is(error, code)) return undefined
    throw error
  }
}

it('counts in words', () => {
  expect([0, 1, 2].map((count) => formatCount(count, 'block'))).toEqual(['0 blocks', '1 block', '2 blocks'])
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [KiB, '1 KiB'],
    [64 * KiB, '64 KiB'],
    [1.5 * GiB, '1.5 GiB'],
    [20 * GiB, '20 GiB'],
    [MiB - 1, '1 MiB'],
    [GiB - 1, '1 GiB'],
    [1023.99 * KiB, '1023.99 KiB'],
    [1024 * GiB, '1 TiB'],
    [Number.MAX_SAFE_INTEGER, '8 PiB'],
    [-1536, '-1.5 KiB'],
  ])('shows %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('is right within half a hundredth of the unit shown, and below 1024 of it', () => {
    fc.assert(
      fc.property(safe, (bytes) => {
        const [number = '', unit = ''] = formatBytes(bytes).split(' ')
        const unitBytes = parseBytes(`1${unit}`)
        expect(Number(number)).toBeLessThan(1024)
        expect(Math.abs(Number(number) * unitBytes - bytes)).toBeLessThanOrEqual(0.005001 * unitBytes)
      }),
    )
  })
})

describe('parseBytes', () => {
  it.each([
    ['20GiB', 20 * GiB],
    ['64KiB', 64 * KiB],
    ['1048576', MiB],
    ['20GB', 20_000_000_000],
    ['0', 0],
    ['7B', 7],
    [' 1.5 gib ', 1.5 * GiB],
    ['11Mi', 11 * MiB],
    ['0.1KiB', 102],
    ['1.0005kB', 1000],
    ['7.999PiB', 9_006_073_354_834_149],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each(
    [
      '',
      ' ',
      'GiB',
      '20G',
      '-1',
      '+1',
      '1e3',
      '0x10',
      '1.GiB',
      '.5GiB',
      '1,5GiB',
      '20 GiB x',
      '1GiB1',
      'NaN',
      'Infinity',
      '8PiB',
    ].concat(['9007199254740992', '1'.repeat(100), '1KiB\n2', '٣', '1constructor']),
  )('refuses %j', (text) => {
    expect(() => parseBytes(text)).toThrow(expect.objectContaining({ code: 'units/not-a-size' }))
  })

  it('gives a safe size or its one error, for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}(\.\d{0,9})? ?[kKmMgGtTpP]?[iI]?[bB]?$/)),
        (text) => {
          const bytes = parsed(() => parseBytes(text), 'units/not-a-size')
          expect(bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true)
        },
      ),
    )
    fc.assert(
      fc.property(safe, (bytes) => {
        expect(parseBytes(String(bytes))).toBe(bytes)
      }),
    )
  })
})

describe('settings as other nodes read them', () => {
  it.each([
    ['2m', 2 * MiB],
    ['2M', 2 * MiB],
    ['2mb', 2 * MiB],
    ['2MB', 2 * MiB],
    ['8gb', 8 * GiB],
    ['20g', 20 * GiB],
    ['1.5Gi', 1.5 * GiB],
    ['64KiB', 64 * KiB],
    ['1048576', MiB],
    ['7b', 7],
  ])('the size %s', (text, bytes) => {
    expect(parseBinaryBytes(text)).toBe(bytes)
  })

  it.each([
    ['86400', 86_400],
    ['1.5h', 5400],
    ['10m', 600],
    ['2D', 172_800],
    ['1h30m', 5400],
    ['0', 0],
  ])('the span %s', (text, seconds) => {
    expect(parseSpan(text)).toBe(seconds)
  })

  it.each(['', 'g', '20x', '1e3', '8p', '-1'])('and %j is no size', (text) => {
    expect(() => parseBinaryBytes(text)).toThrow(expect.objectContaining({ code: 'units/not-a-size' }))
  })

  it.each(['', 'h', '1.h', '1.5h30m', '9007199254740992', '-1'])('and %j is no span', (text) => {
    expect(() => parseSpan(text)).toThrow(expect.objectContaining({ code: 'units/not-a-duration' }))
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [45, '45s'],
    [60, '1m'],
    [5400, '1h 30m'],
    [30 * 86_400, '30d'],
    [90_061, '1d 1h 1m 1s'],
    [-90, '-1m 30s'],
    [0.4, '0s'],
  ])('shows %d as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })

  it('is read back as it was', () => {
    fc.assert(
      fc.property(safe, (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds)
      }),
    )
  })
})

describe('parseDuration', () => {
  it.each([
    ['30d', 30 * 86_400],
    ['10m', 600],
    ['45s', 45],
    ['2h', 7200],
    ['1w', 7 * 86_400],
    ['1h30m', 5400],
    [' 1D 2h ', 93_600],
    ['0s', 0],
    ['100m', 6000],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it.each(
    [
      '',
      '30',
      '1.5h',
      '-1h',
      '1m1h',
      '1h1h',
      '1y',
      'h',
      '1h30',
      '1ms',
      '1 hour',
      '9007199254740992s',
      '99999999999999d',
    ].concat('NaNs', '1h,2m', `${'1'.repeat(50)}s`),
  )('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'units/not-a-duration' }))
  })

  it('gives a safe span or its one error, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{1,17} ?[wdhms] ?){1,3}$/)), (text) => {
        const seconds = parsed(() => parseDuration(text), 'units/not-a-duration')
        expect(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true)
      }),
    )
  })
})

it('sizes that look the same are told exactly where they differ', () => {
  expect(formatSizes(MiB, 2 * MiB)).toEqual(['1 MiB', '2 MiB'])
  expect(formatSizes(MiB + 1, MiB)).toEqual(['1048577 bytes', '1048576 bytes'])
  expect(formatSizes(MiB, MiB)).toEqual(['1 MiB', '1 MiB'])
})

it('an instant is told in UTC, one that no calendar has in seconds', () => {
  expect([1_767_225_600, 8_640_000_000_001, NaN].map(formatInstant)).toEqual([
    '2026-01-01T00:00:00Z',
    '8640000000001 s',
    'NaN s',
  ])
})
