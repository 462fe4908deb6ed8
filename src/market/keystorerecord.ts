// A keystore as a record of a Datastore: where a tab keeps its key. What is in it is keystore.ts's business.

import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Datastore, Key } from '../storage/datastore.ts'
import { openOrMendRecord, sealRecord } from '../storage/sealedrecord.ts'
import { textKey } from '../storage/storagekey.ts'
import type { KeystorePlace } from './keystore.ts'

export const KEYSTORE_KEY = textKey('meta/keystore')

/**
 * Errors of both verbs: as the datastore, `store/corrupted-record`. One tab has the datastore open for writing: its lock keeps others out.
 * @param name of one beside the node's own
 */
export function keystoreRecord(datastore: Datastore, name?: string): KeystorePlace {
  const line = new Mutex()
  const place = name === undefined ? KEYSTORE_KEY : placeOf(name)
  return {
    async read() {
      const record = await datastore.get(place)
      return record === undefined ? undefined : new TextDecoder().decode(openOrMendRecord(place, record))
    },
    write(json) {
      return line.run(async () => {
        if ((await datastore.get(place)) !== undefined) {
          const message = 'this node has a key already, and a key is never written over; use a node of another name'
          throw new CodexError('wallet/exists', message)
        }
        await datastore.commit([{ put: place, value: sealRecord(utf8(json)) }])
      })
    },
  }
}

/**
 * Leaves the node's own place free for another key; the keystore stays, under a name of its own. Nothing where there is none.
 * @returns that name
 */
export async function setKeystoreAside(datastore: Datastore): Promise<string | undefined> {
  const json = await keystoreRecord(datastore).read()
  if (json === undefined) return undefined
  for (let count = 1; ; count++) {
    const name = `before-${count}`
    const place = placeOf(name)
    if ((await datastore.get(place)) !== undefined) continue
    await datastore.commit([{ put: place, value: sealRecord(utf8(json)) }, { drop: KEYSTORE_KEY }])
    return name
  }
}

function placeOf(name: string): Key {
  return textKey(`meta/keystore/${name}`)
}
