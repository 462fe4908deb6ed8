// What a second tab says at its top: that it only watches, what taking over means, and that with slots waiting for proofs it asks first.

import { afterEach, expect, test, vi } from 'vitest'

import { Log } from '../../src/lib/log.ts'
import { LogLevels } from '../../src/lib/loglevels.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { App } from '../../web/app.tsx'
import { PageChannel } from '../../web/pagechannel.ts'
import type { SellerPicture } from '../../web/seller.ts'
import { Session } from '../../web/session.ts'
import { drawn, says, SLOT, VIEW } from './drawn.ts'

const PICTURE: SellerPicture = { view: VIEW, offered: [], canRequest: false, isDemo: false, bought: [] }
const heard: string[] = []
let leader: PageChannel | undefined
afterEach(() => {
  leader?.close()
  heard.length = 0
})

function openSession(name: string): Session {
  const clock = new SystemClock()
  return new Session({ name, log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) })
}

/** A tab that watches one which sells so. */
function watching(picture: Pick<SellerPicture, 'isDemo' | 'view'>) {
  leader = new PageChannel(({ says }) => heard.push(says))
  const session = openSession('test')
  session.state.role.value = { at: 'watching' }
  session.state.watched.value = { offered: [], canRequest: false, bought: [], ...picture }
  return drawn(App, { session })
}

test('where slots wait for proofs and the key is locked, taking over is asked twice, and says what it may cost', async () => {
  const part = watching({ isDemo: false, view: { ...VIEW, slots: [SLOT] } })
  await says(
    part,
    'this one only watches. It takes over when you close the other, and proves nothing until you unlock the key',
  )
  part.button('Run it in this tab').click()
  await says(part, 'each that comes too late costs collateral. Take over only with the password at hand.')
  expect(heard).toEqual([])
  part.button('Take over and unlock the key').click()
  await expect.poll(() => heard).toEqual(['let me'])
})

test('where nothing waits, and in the demo, whose key has no password, one click takes over', async () => {
  for (const picture of [
    { isDemo: false, view: { ...VIEW, slots: [] } },
    { isDemo: true, view: { ...VIEW, slots: [SLOT] } },
  ]) {
    const part = watching(picture)
    await says(part, 'this one only watches')
    part.button('Run it in this tab').click()
    await expect.poll(() => heard.splice(0)).toEqual(['let me'])
    leader?.close()
  }
})

test('a tab that loses its store while it holds slots says so in its title, and asks before it is closed', async () => {
  const title = document.title
  for (const holds of [false, true]) {
    const name = `lost-${holds}`
    const session = openSession(name)
    await session.run()
    expect(session.state.role.value.at).toBe('leading')
    if (holds) session.tellPicture({ ...PICTURE, view: { ...VIEW, slots: [SLOT] } })
    expect(session.holdsSlots).toBe(holds)
    // As clearing the site's data does, or a newer release of the page.
    indexedDB.deleteDatabase(`codex-light/${name}`)
    await expect.poll(() => session.state.role.value.at).toBe('failed')
    await expect.poll(() => document.title).toBe(holds ? '⚠ Not proving – codex-light' : title)
    expect(session.holdsSlots).toBe(holds)
  }
})

test('slots that are not proven make a tab ask before it is closed, as long as that is so', () => {
  const session = openSession('test')
  session.noteUnproven('Its key is locked.')
  expect(session.holdsSlots).toBe(true)
  session.noteUnproven(undefined)
  expect(session.holdsSlots).toBe(false)
})

/** A tab beside another that runs the node, until it is to lead itself. */
async function beside(name: string) {
  const ending = new AbortController()
  const held = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()))
  void navigator.locks.request(`codex-light/${name}`, () => held)
  const session = openSession(name)
  void session.run()
  await expect.poll(() => session.state.role.value.at).toBe('watching')
  return {
    part: drawn(App, { session }),
    async lead() {
      ending.abort()
      await expect.poll(() => session.state.role.value.at).toBe('leading')
      indexedDB.deleteDatabase(`codex-light/${name}`)
    },
  }
}

const LOCKED = 'Its key is locked: 2 slots wait for proofs.'

test('a tab that watches one whose key is locked says so in an alert, forgets what was shown before, and takes over at one click', async () => {
  const { part, lead } = await beside('sold')
  leader = new PageChannel(({ says }) => heard.push(says))
  leader.say({ says: 'sells', picture: { ...PICTURE, view: { ...VIEW, slots: [SLOT] } } })
  await says(part, 'Space that the other tab rents out')
  heard.length = 0
  leader.say({ says: 'here', sells: false, unproven: LOCKED })
  await expect.poll(() => part.text('[role=alert]')).toBe(`That tab proves nothing. ${LOCKED} Or take over here.`)
  expect(part.place.textContent).not.toContain('Space that the other tab rents out')
  part.button('Take over and unlock the key').click()
  await expect.poll(() => heard).toEqual(['let me'])
  leader?.say({ says: 'here', sells: false, unproven: undefined })
  await expect.poll(() => part.place.querySelectorAll('[role=alert]').length).toBe(0)
  await lead()
})

test('a tab that begins to watch learns at once that slots are not proven, and when they are', async () => {
  const [leading, watching] = [openSession('locked'), openSession('locked')]
  await leading.run()
  leading.noteUnproven(LOCKED)
  void watching.run()
  await expect.poll(() => watching.state.unproven.value, { timeout: 2500 }).toBe(LOCKED)
  leading.noteUnproven(undefined)
  await expect.poll(() => watching.state.unproven.value).toBeUndefined()
  leading.tellPicture(PICTURE)
  await expect.poll(() => watching.state.watched.value?.view.host).toBe(VIEW.host)
  indexedDB.deleteDatabase('codex-light/locked')
})

test('of three tabs the one that was asked to run the node does, though another has waited for longer', async () => {
  const [first, patient, asked] = [openSession('three'), openSession('three'), openSession('three')]
  let reloads = 0
  first.reload = () => void reloads++
  await first.run()
  for (const session of [patient, asked]) {
    void session.run()
    await expect.poll(() => session.state.role.value.at).toBe('watching')
    // In line by then.
    await expect.poll(async () => (await navigator.locks.query()).pending?.length).toBe(session === patient ? 1 : 2)
  }
  asked.takeOver()
  await expect.poll(() => asked.state.role.value.at).toBe('leading')
  expect([patient.state.role.value.at, reloads]).toEqual(['watching', 1])
  indexedDB.deleteDatabase('codex-light/three')
})

test('a tab that runs the node and says nothing for a while is told of, until it says something', async () => {
  const { part, lead } = await beside('silent')
  await says(part, 'this one only watches')
  const now = performance.now.bind(performance)
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 16_000)
  await says(part, 'That tab has said nothing for a while: what is shown of it may be old.')
  leader = new PageChannel(() => undefined)
  leader.say({ says: 'here', sells: true, unproven: undefined })
  await expect.poll(() => part.place.innerText).not.toContain('said nothing for a while')
  later.mockRestore()
  await lead()
})
