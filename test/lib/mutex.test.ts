import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Mutex } from '../../src/lib/mutex.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { isSettled } from '../fakes/issettled.ts'

/** Work that ends when told to. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), work: () => opened }
}

describe('Mutex', () => {
  it('gives back what the work gives, also from work that awaits nothing', async () => {
    const mutex = new Mutex()
    expect(await mutex.run(() => 7)).toBe(7)
    expect(await mutex.run(() => Promise.resolve('late'))).toBe('late')
    expect(mutex.held).toBe(false)
  })

  it('runs one at a time in the order of asking', async () => {
    const mutex = new Mutex()
    const told: string[] = []
    const work = (name: string) => async () => {
      told.push(`${name} in`)
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      told.push(`${name} out`)
    }
    await Promise.all(['a', 'b', 'c'].map((name) => mutex.run(work(name))))
    expect(told).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })

  it('lets no newcomer slip in while the lock changes hands', async () => {
    const mutex = new Mutex()
    const order: string[] = []
    const first = gate()
    const one = mutex.run(first.work)
    const two = mutex.run(() => order.push('two'))
    // Asks in the very moment the first is done.
    const three = one.then(() => mutex.run(() => order.push('three')))
    first.open()
    await Promise.all([two, three])
    expect(order).toEqual(['two', 'three'])
  })

  it('is free again after work that throws, at once or later', async () => {
    const mutex = new Mutex()
    const thrown = mutex.run(() => {
      throw new Error('at once')
    })
    const rejected = mutex.run(() => Promise.reject(new Error('later')))
    const after = mutex.run(() => 'fine')
    await expect(thrown).rejects.toThrow('at once')
    await expect(rejected).rejects.toThrow('later')
    expect(await after).toBe('fine')
    expect([mutex.held, mutex.waiting]).toEqual([false, 0])
  })

  it('lets a waiter leave the line when its signal aborts', async () => {
    const mutex = new Mutex()
    const controller = new CountingController()
    const first = gate()
    const held = mutex.run(first.work)
    let ran = false
    const leaver = mutex.run(() => {
      ran = true
    }, controller)
    const stayer = mutex.run(() => 'stayed')
    expect(mutex.waiting).toBe(2)
    controller.abort('left')
    await expect(leaver).rejects.toBe('left')
    expect(mutex.waiting).toBe(1)
    expect(await isSettled(stayer)).toBe(false)
    first.open()
    await held
    expect(await stayer).toBe('stayed')
    expect(ran).toBe(false)
  })

  it('begins no work for a signal that aborted while the lock changed hands, at whatever step', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const mutex = new Mutex()
      const controller = new AbortController()
      const begunAborted: boolean[] = []
      const first = gate()
      const held = mutex.run(first.work)
      const next = mutex.run(() => begunAborted.push(controller.signal.aborted), controller).catch(() => {})
      const last = mutex.run(() => 'last')
      first.open()
      for (let step = 0; step < steps; step++) await Promise.resolve()
      controller.abort('late')
      await Promise.all([held, next])
      expect(begunAborted).not.toContain(true)
      expect(await last).toBe('last')
      expect(mutex.held).toBe(false)
    }
  })

  it('begins nothing for a signal that has aborted, and takes no lock', async () => {
    const mutex = new Mutex()
    await expect(mutex.run(() => 7, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(mutex.held).toBe(false)
  })

  it('leaves no listener behind, nor aborts work that has begun', async () => {
    const mutex = new Mutex()
    const controller = new CountingController()
    const first = gate()
    const second = gate()
    const one = mutex.run(first.work)
    const two = mutex.run(second.work, controller)
    expect(controller.listeners).toBe(1)
    first.open()
    await one
    expect(await isSettled(two)).toBe(false)
    expect(controller.listeners).toBe(0)
    controller.abort('late')
    expect(await isSettled(two)).toBe(false)
    second.open()
    await two
  })

  it('never overlaps, never stalls and keeps order under any aborts', async () => {
    const plan = fc.array(fc.record({ turns: fc.nat(6), fails: fc.boolean(), abortAfter: fc.option(fc.nat(40)) }), {
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(plan, async (jobs) => {
        const mutex = new Mutex()
        const begun: number[] = []
        let inside = 0
        const runs = jobs.map(async ({ turns, fails, abortAfter }, index) => {
          const controller = new AbortController()
          const run = mutex.run(async () => {
            begun.push(index)
            expect(++inside).toBe(1)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            inside--
            if (fails) throw new Error('planned')
          }, controller)
          const outcome = run.catch((error: unknown) =>
            expect(['planned', 'abort']).toContain((error as Error).message),
          )
          for (let turn = 0; turn < (abortAfter ?? 0); turn++) await Promise.resolve()
          if (abortAfter !== null) controller.abort(new Error('abort'))
          await outcome
        })
        await Promise.all(runs)
        expect(begun).toEqual(begun.toSorted((a, b) => a - b))
        expect([mutex.held, mutex.waiting, inside]).toEqual([false, 0, 0])
        const calm = jobs.flatMap(({ abortAfter }, index) => (abortAfter === null ? [index] : []))
        expect(begun).toEqual(expect.arrayContaining(calm))
      }),
      { numRuns: 300 },
    )
  })
})
