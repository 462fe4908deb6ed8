// The verbs by name, each loaded only when it is called: a cold start pays for one verb.

import type { Verb } from './verb.ts'

export interface VerbEntry {
  /** One word, or two for a verb of a group. */
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Verb>
}

export const VERBS: readonly VerbEntry[] = [
  {
    name: 'demo',
    summary: 'show what the node can do, on real data, then serve the page',
    load: async () => (await import('./demo.ts')).demo,
  },
  { name: 'upload', summary: 'store a file', load: async () => (await import('./upload.ts')).upload },
  { name: 'download', summary: 'read a file back', load: async () => (await import('./download.ts')).download },
  { name: 'ls', summary: 'list what is stored', load: async () => (await import('./ls.ts')).ls },
  { name: 'rm', summary: 'remove what is stored', load: async () => (await import('./rm.ts')).rm },
  { name: 'space', summary: 'show how the quota is used', load: async () => (await import('./space.ts')).space },
  {
    name: 'config print',
    summary: 'show every setting and where it came from',
    load: async () => (await import('./configprint.ts')).configPrint,
  },
]
