import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SlotMap, type SlotName } from '../../src/sales/slotmap.ts'
import { requestIdOf } from '../fakes/salesparts.ts'

const name = fc.record({ request: fc.nat(2), slotIndex: fc.nat(3) })
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), name, value: fc.nat(9) }),
  fc.record({ do: fc.constant('delete' as const), name }),
)

it('holds what a plain map by both names holds, whatever is done in whatever order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const map = new SlotMap<number>()
      const plain = new Map<string, number>()
      const slotOf = ({ request, slotIndex }: { request: number; slotIndex: number }): SlotName => ({
        requestId: requestIdOf(request),
        slotIndex,
      })
      for (const each of steps) {
        const key = `${each.name.request} ${each.name.slotIndex}`
        if (each.do === 'set') {
          map.set(slotOf(each.name), each.value)
          plain.set(key, each.value)
        } else {
          map.delete(slotOf(each.name))
          plain.delete(key)
        }
        for (let request = 0; request <= 2; request++) {
          const own = [0, 1, 2, 3].map((slotIndex) => plain.get(`${request} ${slotIndex}`))
          expect([0, 1, 2, 3].map((slotIndex) => map.get(slotOf({ request, slotIndex })))).toEqual(own)
          const there = own.filter((value) => value !== undefined)
          expect(map.of(requestIdOf(request)).toSorted()).toEqual(there.toSorted())
          expect(map.of(requestIdOf(request), 1)).toEqual(own[1] === undefined ? [] : [own[1]])
        }
        expect(map.values().toSorted()).toEqual([...plain.values()].toSorted())
      }
    }),
  )
})
