import { describe, expect, it } from 'vitest'

import { raceAbort } from '../../src/lib/abort.ts'
import { CountingController } from '../fakes/countingcontroller.ts'

const never = new Promise<never>(() => {})

describe('raceAbort', () => {
  it('settles as the promise does and removes its listener', async () => {
    const controller = new CountingController()
    expect(await raceAbort(Promise.resolve(7), controller.signal)).toBe(7)
    expect(controller.listeners).toBe(0)
    await expect(raceAbort(Promise.reject(new Error('own')), controller.signal)).rejects.toThrow('own')
    expect(controller.listeners).toBe(0)
  })

  it('rejects with the reason when the signal aborts meanwhile', async () => {
    const controller = new CountingController()
    const race = raceAbort(never, controller.signal)
    expect(controller.listeners).toBe(1)
    controller.abort('stop')
    await expect(race).rejects.toBe('stop')
  })

  it('takes one listener of a signal, however many wait at it, until the last is done', async () => {
    const controller = new CountingController()
    const first = raceAbort(never, controller.signal)
    let open: (value: number) => void = () => undefined
    const second = raceAbort(new Promise<number>((resolve) => (open = resolve)), controller.signal)
    expect(controller.listeners).toBe(1)
    open(7)
    expect(await second).toBe(7)
    expect(controller.listeners).toBe(1)
    const third = raceAbort(never, controller.signal)
    controller.abort('stop')
    await expect(first).rejects.toBe('stop')
    await expect(third).rejects.toBe('stop')
  })

  it('lets an aborted signal win over a settled promise, and swallows the loser', async () => {
    const signal = AbortSignal.abort('stop')
    await expect(raceAbort(Promise.resolve(7), signal)).rejects.toBe('stop')
    await expect(raceAbort(Promise.reject(new Error('late')), signal)).rejects.toBe('stop')
  })
})
