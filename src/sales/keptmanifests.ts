// Which manifests lie in the store for the sake of slots, on record from before they are kept until they are gone: whatever comes between, a restart
// finds what nobody needs any more. A copy of each lies beside the store: what a slot is proven with must not depend on anybody's giving it again.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Mutex } from '../lib/mutex.ts'
import { type Cid, decodeCid, equalCids } from '../protocol/cid.ts'
import type { RequestId } from '../protocol/request.ts'
import type { Change, Datastore, Key } from '../storage/datastore.ts'
import { openRecord, sealRecord } from '../storage/sealedrecord.ts'
import { joinKey, textKey } from '../storage/storagekey.ts'
import { COPIES_PREFIX } from './manifestroom.ts'
import type { Reservations } from './reservations.ts'

/** `meta/sales/kept/<request id>`: the bytes of the manifest's CID. */
const PREFIX: Key = textKey('meta/sales/kept/')

export interface KeptManifest {
  readonly cid: Cid
  readonly bytes: Uint8Array
}

export interface KeptManifestsParts {
  readonly datastore: Datastore
  readonly reservations: Pick<Reservations, 'reservations'>
  /** Takes a manifest out of the store, unless it is there for another reason too. */
  readonly remove: (cid: Cid, options: AbortOptions) => Promise<void>
  readonly log: Log
}

export class KeptManifests {
  readonly #parts: KeptManifestsParts
  /** So that none is taken away while another request begins to keep it. */
  readonly #mutex = new Mutex()

  constructor(parts: KeptManifestsParts) {
    this.#parts = parts
  }

  /** Keeps the manifest of a request that has a Reservation, by `store`. Rejects as that does, and as the Datastore. */
  async keep(
    id: RequestId,
    { cid, bytes }: KeptManifest,
    store: () => Promise<unknown>,
    { signal }: AbortOptions,
  ): Promise<void> {
    const { datastore } = this.#parts
    await this.#mutex.run(
      async () => {
        const changes: Change[] = []
        if ((await datastore.get(keyOf(id))) === undefined)
          changes.push({ put: keyOf(id), value: sealRecord(cid.bytes) })
        if ((await this.copyOf(cid)) === undefined) changes.push({ put: copyKey(cid), value: sealRecord(bytes) })
        if (changes.length > 0) await datastore.commit(changes)
        await store()
      },
      { signal },
    )
  }

  /** The bytes of a manifest that is kept, wherever that of the store has gone; undefined where there is no copy. @throws what the Datastore throws */
  async copyOf(cid: Cid): Promise<Uint8Array | undefined> {
    const key = copyKey(cid)
    const record = await this.#parts.datastore.get(key)
    try {
      return record && openRecord(key, record)
    } catch (error) {
      if (!CodexError.is(error, 'store/corrupted-record')) throw error
      this.#parts.log.warn('the copy of a manifest that is kept is damaged', { cid: String(cid), error })
      return undefined
    }
  }

  /** A slot of the request has ended: its manifest goes, unless another slot needs it. Rejects as the Datastore, or with the signal's reason. */
  async letGo(id: RequestId, { signal }: AbortOptions): Promise<void> {
    await this.#mutex.run(
      async () => {
        const record = await this.#parts.datastore.get(keyOf(id))
        if (record !== undefined) await this.#letGo(id, record, signal)
      },
      { signal },
    )
  }

  /** As {@link KeptManifests.letGo}, for all requests: what an earlier run did not come to. */
  async letGoOfEnded({ signal }: AbortOptions): Promise<void> {
    const ids: RequestId[] = []
    for await (const [key] of this.#parts.datastore.entries(PREFIX, { signal })) ids.push(requestIdOf(key))
    const needed = this.#requests()
    for (const id of ids) if (!needed.has(id)) await this.letGo(id, { signal })
  }

  async #letGo(id: RequestId, record: Uint8Array, signal: AbortSignal): Promise<void> {
    const { datastore, remove } = this.#parts
    const needed = this.#requests()
    if (needed.has(id)) return
    const cid = this.#cidOf(keyOf(id), record)
    const changes: Change[] = [{ drop: keyOf(id) }]
    if (cid !== undefined && !(await this.#isNeededBy(needed, cid, signal))) {
      await remove(cid, { signal })
      changes.push({ drop: copyKey(cid) })
    }
    await datastore.commit(changes)
  }

  #requests(): Set<RequestId> {
    return new Set(this.#parts.reservations.reservations().map(({ requestId }) => requestId))
  }

  /** Whether a request that has slots here asks for the same dataset. */
  async #isNeededBy(requests: ReadonlySet<RequestId>, cid: Cid, signal: AbortSignal): Promise<boolean> {
    for await (const [id, other] of keptCids(this.#parts.datastore, { signal }))
      if (requests.has(id) && equalCids(other, cid)) return true
    return false
  }

  #cidOf(key: Key, record: Uint8Array): Cid | undefined {
    try {
      return decodeCid(openRecord(key, record))
    } catch (error) {
      if (!CodexError.is(error)) throw error
      this.#parts.log.warn(
        'the record of a manifest that is kept is damaged: the manifest stays until its time is over',
        { error },
      )
      return undefined
    }
  }
}

/** Of each request on record the CID of its manifest, as far as the records can be read. Rejects as the Datastore, and with the signal's reason. */
export async function* keptCids(
  datastore: Datastore,
  options: AbortOptions,
): AsyncGenerator<readonly [RequestId, Cid], void> {
  for await (const [key, record] of datastore.entries(PREFIX, options)) {
    let cid: Cid
    try {
      cid = decodeCid(openRecord(key, record))
    } catch (error) {
      if (!CodexError.is(error)) throw error
      continue
    }
    yield [requestIdOf(key), cid]
  }
}

function keyOf(id: RequestId): Key {
  return joinKey(PREFIX, id)
}

function copyKey(cid: Cid): Key {
  return joinKey(COPIES_PREFIX, cid.bytes)
}

function requestIdOf(key: Key): RequestId {
  return new TextDecoder().decode(key.subarray(PREFIX.length)) as RequestId
}
