// Holds every answer that a test gets against the OpenAPI document. Not a test.

import { expect } from 'vitest'
import { openApi } from '../../src/rest/openapi.ts'

type Described = Readonly<Record<string, { readonly responses: object } | undefined>>

const ROWS = Object.entries(openApi('0').paths as Readonly<Record<string, Described>>).map(([path, methods]) => ({
  pattern: new RegExp(`^${path.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  path,
  methods,
}))

/** @param path without its query; of one that is no row nothing is said */
export function expectListed(method: string, path: string, status: number): void {
  // What is written out goes before what varies.
  const rows = ROWS.filter(({ pattern }) => pattern.test(path.split('?')[0] ?? '')).sort(
    (a, b) => a.path.split('{').length - b.path.split('{').length,
  )
  const responses = rows
    .map(({ methods }) => methods[method.toLowerCase()]?.responses)
    .find((each) => each !== undefined)
  if (responses === undefined) return
  const listed = Object.keys(responses)
  const isListed = listed.includes(String(status)) || (status >= 400 && listed.includes('default'))
  expect(`${method} ${path} answers ${isListed ? 'as listed' : `${status}, listed are ${listed.join(', ')}`}`).toBe(
    `${method} ${path} answers as listed`,
  )
}
