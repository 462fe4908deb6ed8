// Alerts outside of the page: only while nobody looks, as notifications only where that is allowed.

import { afterEach, expect, test } from 'vitest'

import type { Alert } from '../../src/lib/alert.ts'
import { TypedEvents } from '../../src/lib/typedevents.ts'
import type { NodeEvents } from '../../src/trade.ts'
import { Notices, tellUnproven } from '../../web/notices.ts'
import { entitle } from '../../web/tabtitle.ts'

const ALERT: Alert = { code: 'sales/deadline-near', at: 1, cause: 'A proof is due', atStake: 5n, action: 'Look' }
interface Shown {
  readonly title: string
  readonly body: string | undefined
  readonly tag: string | undefined
  readonly renotify: boolean | undefined
}
const shown: Shown[] = []
const closed: string[] = []
const original = Object.getOwnPropertyDescriptor(window, 'Notification') ?? {}

/** @param isLeft to service workers, as in Chrome for Android */
function allow(permission: NotificationPermission | 'none', isLeft = false): void {
  class Fake extends EventTarget {
    static permission = permission
    static readonly requestPermission = async (): Promise<NotificationPermission> => (Fake.permission = 'granted')
    readonly #tag: string
    constructor(title: string, { body, tag = '', renotify }: NotificationOptions & { renotify?: boolean } = {}) {
      super()
      if (isLeft) throw new TypeError('Illegal constructor')
      this.#tag = tag
      shown.push({ title, body, tag, renotify })
    }
    close(): void {
      closed.push(this.#tag)
    }
  }
  if (permission === 'none') Reflect.deleteProperty(window, 'Notification')
  else Object.defineProperty(window, 'Notification', { configurable: true, value: Fake })
}

function look(state: DocumentVisibilityState): void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
  document.dispatchEvent(new Event('visibilitychange'))
}

afterEach(() => {
  Object.defineProperty(window, 'Notification', original)
  Reflect.deleteProperty(document, 'visibilityState')
  shown.length = 0
  closed.length = 0
})

function watching() {
  const events = new TypedEvents<NodeEvents>()
  const ending = new AbortController()
  const notices = new Notices()
  notices.watch({ events }, ending.signal)
  const raise = (alert = ALERT): void => events.emit('alert', alert)
  return { notices, ending, raise, over: () => events.emit('alertOver', { ...ALERT, over: 2 }) }
}

test('an alert that nobody sees is notified and counted, until somebody looks', () => {
  allow('granted')
  const { notices, raise, ending } = watching()
  look('visible')
  raise()
  expect([shown, notices.unseen.value]).toEqual([[], 0])
  look('hidden')
  raise()
  const notification = {
    title: 'codex-light',
    body: 'A proof is due. At stake: 5 wei. Look.',
    tag: ALERT.code,
    renotify: true,
  }
  expect([shown, notices.unseen.value]).toEqual([[notification], 1])
  look('visible')
  expect(notices.unseen.value).toBe(0)
  look('hidden')
  ending.abort()
  raise()
  expect(shown).toHaveLength(1)
})

test('without leave, or without notifications at all, the title has to do', async () => {
  for (const permission of ['default', 'denied', 'none'] as const) {
    allow(permission)
    const { notices, raise } = watching()
    expect(notices.permission.value).toBe(permission)
    look('hidden')
    raise()
    expect([shown, notices.unseen.value]).toEqual([[], 1])
  }
  allow('default')
  const { notices } = watching()
  await notices.ask()
  expect(notices.permission.value).toBe('granted')
  expect(shown).toMatchObject([{ body: 'Alerts of this tab come like this.' }])
})

test('the second alert of a kind is heard like the first, and one that is over is taken away', () => {
  allow('granted')
  const { raise, over } = watching()
  look('hidden')
  raise()
  raise()
  expect(shown.map(({ tag, renotify }) => [tag, renotify])).toEqual([
    [ALERT.code, true],
    [ALERT.code, true],
  ])
  expect(closed).toEqual([])
  over()
  expect(closed).toEqual([ALERT.code])
  over()
  expect(closed).toEqual([ALERT.code])
})

test('what a contract or an endpoint said in its own words is for logs', () => {
  allow('granted')
  const { raise } = watching()
  look('hidden')
  raise({
    ...ALERT,
    cause: 'a proof was refused: the contract refused: Proofs_InvalidProof() 0x12; see the reason it gave',
  })
  expect(shown).toMatchObject([{ body: 'a proof was refused: the contract refused. At stake: 5 wei. Look.' }])
})

test('who allows them where only service workers may show them is told that there are none', async () => {
  allow('default', true)
  const { notices } = watching()
  await notices.ask()
  expect(notices.permission.value).toBe('none')
})

test('slots that nobody proves are told of in the title and a notification, until they are proven', () => {
  allow('granted')
  const title = document.title
  const [before, proving] = [new AbortController(), new AbortController()]
  entitle('(3) codex-light', before.signal)
  tellUnproven({ title: 'Not proving', body: 'It has stopped.' }, proving.signal)
  expect(document.title).toBe('⚠ Not proving – codex-light')
  expect(shown).toMatchObject([{ body: 'It has stopped.', renotify: true }])
  // A part of the page that goes takes its words with it, and no others.
  before.abort()
  expect([document.title, closed]).toEqual(['⚠ Not proving – codex-light', []])
  proving.abort()
  expect([document.title, closed]).toEqual([title, ['Not proving']])
  const quiet = new AbortController()
  tellUnproven({ title: 'Not proving yet' }, quiet.signal)
  expect([document.title, shown.length]).toEqual(['⚠ Not proving yet – codex-light', 1])
  quiet.abort()
})
