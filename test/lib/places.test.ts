import { describe, expect, it } from 'vitest'

import { Places } from '../../src/lib/places.ts'
import { CountingController } from '../fakes/countingcontroller.ts'
import { isSettled } from '../fakes/issettled.ts'

const { signal } = new AbortController()

describe('Places', () => {
  it('lets so many in at once, the others in the order of asking', async () => {
    const places = new Places(2)
    const order: string[] = []
    const [first] = [await places.enter({ signal }), await places.enter({ signal })]
    const third = places.enter({ signal }).then((leave) => (order.push('third'), leave))
    const fourth = places.enter({ signal }).then((leave) => (order.push('fourth'), leave))
    expect([await isSettled(third), places.waiting]).toEqual([false, 2])
    first()
    const leaveThird = await third
    expect([await isSettled(fourth), places.waiting]).toEqual([false, 1])
    leaveThird()
    await fourth
    expect(order).toEqual(['third', 'fourth'])
  })

  it('a place that is left twice is one place', async () => {
    const places = new Places(1)
    const leave = await places.enter({ signal })
    leave()
    leave()
    await places.enter({ signal })
    expect(await isSettled(places.enter({ signal }))).toBe(false)
  })

  it('who gives up in line takes nothing along, not even in the moment of being let in', async () => {
    const places = new Places(1)
    const [gone, late] = [new CountingController(), new CountingController()]
    await expect(places.enter({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    const leave = await places.enter({ signal })
    const [one, two] = [places.enter(gone), places.enter(late)]
    gone.abort(new Error('gone'))
    await expect(one).rejects.toThrow('gone')
    const last = places.enter({ signal })
    late.abort(new Error('late'))
    leave()
    await expect(two).rejects.toThrow('late')
    ;(await last)()
    expect([places.waiting, gone.listeners, late.listeners]).toEqual([0, 0, 0])
    await places.enter({ signal })
  })
})
