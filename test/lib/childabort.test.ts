import { describe, expect, it } from 'vitest'
import { ChildAbort } from '../../src/lib/childabort.ts'

describe('a child of a signal', () => {
  it('aborts with its parent, for its reason, and with its siblings', () => {
    const parent = new AbortController()
    const children = [new ChildAbort(parent.signal), new ChildAbort(parent.signal)]
    const reason = new Error('the end')
    parent.abort(reason)
    expect(children.map(({ signal }) => signal.reason as unknown)).toEqual([reason, reason])
  })

  it('aborts alone, and the first reason counts', () => {
    const parent = new AbortController()
    const [one, other] = [new ChildAbort(parent.signal), new ChildAbort(parent.signal)]
    one.abort('its own')
    parent.abort('the other')
    expect([one.signal.reason, other.signal.reason]).toEqual(['its own', 'the other'])
  })

  it('hears nothing any more once it has left, while its siblings do', () => {
    const parent = new AbortController()
    const [gone, stays] = [new ChildAbort(parent.signal), new ChildAbort(parent.signal)]
    gone.leave()
    parent.abort()
    expect([gone.signal.aborted, stays.signal.aborted]).toEqual([false, true])
  })

  it('is aborted at once where its parent was, and needs none', () => {
    expect(new ChildAbort(AbortSignal.abort('before')).signal.reason).toBe('before')
    expect(new ChildAbort().signal.aborted).toBe(false)
  })

  it('puts one listener on its parent however many there are, and takes it away with the last', () => {
    const parent = new AbortController()
    const added: unknown[] = []
    parent.signal.addEventListener = (...listener: unknown[]) => added.push(listener)
    const removed: unknown[] = []
    parent.signal.removeEventListener = (...listener: unknown[]) => removed.push(listener)
    const children = Array.from({ length: 20 }, () => new ChildAbort(parent.signal))
    expect(added.length).toBe(1)
    for (const child of children) child.leave()
    for (const child of children) child.abort('later')
    expect(removed.length).toBe(1)
  })
})
