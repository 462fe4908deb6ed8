import { expect, test } from 'vitest'

import type { AdmissionPolicy } from '../../src/platform/nodejs/admission.ts'
import { Admission, MAX_TABS_PER_ADDRESS } from '../../src/platform/nodejs/admission.ts'

const POLICY: AdmissionPolicy = { origins: ['https://page.example'], token: undefined, maxTabs: 20 }

/** Knocks, and answers the status with a way to leave again. */
function knock(
  admission: Admission,
  {
    origin = 'https://page.example',
    path = '/',
    remoteAddress = '203.0.113.5',
    forwardedFor = '',
  }: Record<string, string> = {},
): { status: number | undefined; leave: () => void } {
  let leave = (): void => undefined
  const whenOver = (listener: () => void): void => {
    leave = listener
  }
  return { status: admission.admit({ origin, path, remoteAddress, forwardedFor, whenOver }), leave: () => leave() }
}

test('lets in so many at once, and the next when one has gone', () => {
  const admission = new Admission(POLICY)
  const here = Array.from({ length: 20 }, (_, i) => knock(admission, { remoteAddress: `203.0.113.${i}` }))
  expect(here.map(({ status }) => status)).toEqual(here.map(() => undefined))
  expect(knock(admission, { remoteAddress: '198.51.100.1' }).status).toBe(503)
  here[3]?.leave()
  expect(admission.count).toBe(19)
  expect(knock(admission, { remoteAddress: '198.51.100.1' }).status).toBeUndefined()
  expect(knock(admission, { remoteAddress: '198.51.100.1' }).status).toBe(503)
})

test('lets in so many from one address, but for this machine', () => {
  const admission = new Admission({ ...POLICY, maxTabs: 100 })
  const here = Array.from({ length: MAX_TABS_PER_ADDRESS }, () => knock(admission))
  expect(here.map(({ status }) => status)).toEqual(here.map(() => undefined))
  expect(knock(admission).status).toBe(503)
  expect(knock(admission, { remoteAddress: '203.0.113.6' }).status).toBeUndefined()
  here[0]?.leave()
  expect(knock(admission).status).toBeUndefined()
  for (let i = 0; i < 2 * MAX_TABS_PER_ADDRESS; i++)
    expect(knock(admission, { remoteAddress: '::ffff:127.0.0.1' }).status).toBeUndefined()
})

test('behind a proxy that it trusts counts where visits came from, and believes nobody else', () => {
  const admission = new Admission({ ...POLICY, maxTabs: 1000, proxies: ['127.0.0.1', '198.51.100.9'] })
  const through = (forwardedFor: string, remoteAddress = '::ffff:127.0.0.1'): number | undefined =>
    knock(admission, { forwardedFor, remoteAddress }).status
  // What the visitor says itself stands before, and changes with each visit.
  for (let i = 0; i < MAX_TABS_PER_ADDRESS; i++) expect(through(`10.0.0.${i}, 203.0.113.5`)).toBeUndefined()
  expect(through('10.9.9.9, 203.0.113.5')).toBe(503)
  expect(through('203.0.113.5, 198.51.100.9')).toBe(503)
  expect(through('203.0.113.6')).toBeUndefined()
  for (let i = 0; i < MAX_TABS_PER_ADDRESS; i++) expect(through(`10.0.1.${i}`, '203.0.113.7')).toBeUndefined()
  expect(through('10.0.1.99', '203.0.113.7')).toBe(503)
})

test('what is refused takes no place', () => {
  const admission = new Admission({ ...POLICY, token: 'sesame-0' })
  for (let i = 0; i < 50; i++) {
    expect(knock(admission, { path: '/sesame-1' }).status).toBe(401)
    expect(knock(admission, { path: '/sesame-0', origin: 'https://evil.example' }).status).toBe(403)
  }
  expect(admission.count).toBe(0)
  expect(knock(admission, { path: '/sesame-0' }).status).toBeUndefined()
  expect(new Admission({ ...POLICY, origins: ['*'] }).admit({ ...visit('https://any.example') })).toBeUndefined()
  expect(new Admission({ ...POLICY, origins: [] }).admit({ ...visit('https://page.example') })).toBe(403)
})

function visit(origin: string) {
  return { origin, path: '/', remoteAddress: '203.0.113.5', whenOver: () => undefined }
}
