import { describe, expect, it } from 'vitest'

import { CodexError } from '../../src/lib/errors.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { Scope } from '../../src/lib/scope.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { isSettled } from '../fakes/issettled.ts'

function open(signal?: AbortSignal) {
  const reports: [error: unknown, task: string][] = []
  const scope = new Scope({ signal, report: (error, task) => reports.push([error, task]) })
  return { scope, reports }
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

describe('Scope', () => {
  it('runs its tasks and forgets them when they end', async () => {
    const { scope, reports } = open()
    const clock = new ManualClock()
    scope.spawn('one', (signal) => clock.until(1, { signal }))
    scope.spawn('two', (signal) => clock.until(2, { signal }))
    expect(scope.running).toEqual(['one', 'two'])
    await clock.play(1)
    expect(scope.running).toEqual(['two'])
    await clock.play(1)
    expect(scope.running).toEqual([])
    await scope.close()
    expect(reports).toEqual([])
  })

  it('aborts every task on close and waits for all', async () => {
    const { scope, reports } = open()
    const clock = new ManualClock()
    const ended: string[] = []
    scope.spawn('quick', async (signal) => {
      await untilAborted(signal).finally(() => ended.push('quick'))
    })
    scope.spawn('slow to clean up', async (signal) => {
      await untilAborted(signal).catch(() => {})
      await clock.until(10, new AbortController())
      ended.push('slow')
    })
    const closed = scope.close('bye')
    expect(scope.signal.reason).toBe('bye')
    expect(await isSettled(closed)).toBe(false)
    expect(scope.running).toEqual(['slow to clean up'])
    clock.set(10)
    await closed
    expect(ended).toEqual(['quick', 'slow'])
    expect([scope.running, reports]).toEqual([[], []])
  })

  it('reports each failure once, whether thrown at once or later: no task dies in silence (T39)', async () => {
    const { scope, reports } = open()
    const sync = new Error('sync')
    const late = new Error('late')
    scope.spawn('sync', () => {
      throw sync
    })
    expect(reports).toEqual([])
    scope.spawn('late', async () => {
      await Promise.resolve()
      throw late
    })
    await scope.close()
    expect(reports).toEqual([
      [sync, 'sync'],
      [late, 'late'],
    ])
  })

  it('goes on with the other tasks after a failure; the owner decides', async () => {
    const reports: unknown[] = []
    const scope: Scope = new Scope({
      report: (error) => {
        reports.push(error)
        void scope.close(error)
      },
    })
    const other = new Scope({ report: () => {} })
    for (const each of [scope, other]) {
      each.spawn('stays', untilAborted)
      each.spawn('fails', () => Promise.reject(new Error('planned')))
    }
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect(other.running).toEqual(['stays'])
    expect(scope.running).toEqual([])
    expect(reports).toHaveLength(1)
    await other.close()
  })

  it('reports an error that is not the abort, also while closing', async () => {
    const { scope, reports } = open()
    const broken = new Error('clean-up failed')
    scope.spawn('broken', async (signal) => {
      await untilAborted(signal).catch(() => {})
      throw broken
    })
    await scope.close()
    expect(reports).toEqual([[broken, 'broken']])
  })

  it('takes the wrapped reason of the platform as an abort, and nothing else', async () => {
    const { scope, reports } = open()
    const wrap = (name: string) => async (signal: AbortSignal) => {
      await untilAborted(signal).catch(() => {})
      throw Object.assign(new Error('aborted', { cause: signal.reason }), { name })
    }
    scope.spawn('wrapped', wrap('AbortError'))
    scope.spawn('other', wrap('TypeError'))
    await scope.close()
    expect(reports.map(([, task]) => task)).toEqual(['other'])
  })

  it('reports an abort error that came before any abort', async () => {
    const { scope, reports } = open()
    scope.spawn('stray', () => Promise.reject(new DOMException('stray', 'AbortError')))
    await scope.close()
    expect(reports.map(([, task]) => task)).toEqual(['stray'])
  })

  it('closes once: later calls wait for the same end and keep the first reason', async () => {
    const { scope } = open()
    const clock = new ManualClock()
    scope.spawn('slow', () => clock.until(1, new AbortController()))
    const first = scope.close('first')
    const second = scope.close('second')
    expect(await isSettled(second)).toBe(false)
    clock.set(1)
    await Promise.all([first, second, scope.close()])
    expect(scope.signal.reason).toBe('first')
  })

  it('gives a typed reason when none is named', async () => {
    const { scope } = open()
    await scope.close()
    expect(CodexError.is(scope.signal.reason, 'scope/closed')).toBe(true)
  })

  it('refuses tasks once closed, also from its own last tasks', async () => {
    const { scope, reports } = open()
    let begun = false
    scope.spawn('parent', async (signal) => {
      await untilAborted(signal).catch(() => {})
      scope.spawn('child', () => {
        begun = true
      })
    })
    await scope.close()
    expect(begun).toBe(false)
    expect(reports).toHaveLength(1)
    expect(CodexError.is(reports[0]?.[0], 'scope/closed')).toBe(true)
    expect(() => scope.spawn('late', () => {})).toThrow(expect.objectContaining({ code: 'scope/closed' }))
  })

  it('lets a task spawn another', async () => {
    const { scope, reports } = open()
    const ended: string[] = []
    scope.spawn('outer', () => {
      scope.spawn('inner', async () => {
        await Promise.resolve()
        ended.push('inner')
      })
      ended.push('outer')
    })
    await scope.close()
    expect(ended).toEqual(['outer', 'inner'])
    expect(reports).toEqual([])
  })

  it('aborts with its parent and its reason, and still waits on close', async () => {
    const parent = new CountingController()
    const { scope, reports } = open(parent.signal)
    const clock = new ManualClock()
    scope.spawn('slow', async (signal) => {
      await untilAborted(signal).catch(() => {})
      await clock.until(1, new AbortController())
    })
    parent.abort('parent')
    expect(scope.signal.reason).toBe('parent')
    expect(() => scope.spawn('late', () => {})).toThrow('end of its scope')
    const closed = scope.close()
    expect(await isSettled(closed)).toBe(false)
    clock.set(1)
    await closed
    expect(reports).toEqual([])
    expect(open(AbortSignal.abort('early')).scope.signal.reason).toBe('early')
  })

  it('leaves no listener with its parent, and does not abort it', async () => {
    const parent = new CountingController()
    const { scope } = open(parent.signal)
    expect(parent.listeners).toBe(1)
    await scope.close()
    expect(parent.listeners).toBe(0)
    expect(parent.signal.aborted).toBe(false)
  })
})
