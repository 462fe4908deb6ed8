// The type of a file by the ending of its name. It never looks inside.

import { lookup } from 'mrmime'

/** Undefined for a name without an ending or with an unknown one. */
export function mimetypeOf(name: string): string | undefined {
  // A file named "json" is no JSON.
  return name.includes('.') ? lookup(name) : undefined
}
