// What comes into the store through REST, by whichever row: how much at once, and how large. What is stored and fetched is the node's.

import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { RestContext, RestParts } from './restparts.ts'

/** Uploads at once; each takes memory for what is not stored yet. */
export const MAX_UPLOADS = 8
/** Datasets fetched at once for those who asked here. */
export const MAX_FETCHES = 16
/** Without a block from anyone for so long the answer is that there is none, unless who asks says otherwise. */
export const FETCH_STALL_SECONDS = 60

interface RunningFetch {
  /** How many fetch it. */
  readonly times: number
  /** Of one that somebody was told of as if it were here. */
  readonly manifest: Manifest | undefined
}

/** One for the whole surface: its rows share the limits. */
export class Intake {
  readonly #repo: RestParts['node']['repo']
  readonly #fetches = new Map<string, RunningFetch>()
  #uploads = 0

  constructor({ node }: Pick<RestParts, 'node'>) {
    this.#repo = node.repo
  }

  /** Has `store` take the body in. @throws CodexError `store/quota-exceeded`, `rest/too-many-uploads`, and what `store` throws */
  async upload<Stored>(c: RestContext, store: () => Promise<Stored>): Promise<Stored> {
    const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await this.#repo.space()
    const bytes = Number(c.req.header('content-length') ?? 0)
    // Said before hours of sending instead of after; what is here already does not count twice, so a full store may still take it.
    if (bytes > quotaMaxBytes - quotaReservedBytes)
      throw new CodexError(
        'store/quota-exceeded',
        `The storage quota is ${quotaMaxBytes} bytes, of which ${quotaUsedBytes} are used`,
        { detail: { bytes, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } },
      )
    if (this.#uploads >= MAX_UPLOADS)
      throw new CodexError('rest/too-many-uploads', `At most ${MAX_UPLOADS} uploads at once`, {
        detail: { limit: MAX_UPLOADS },
      })
    this.#uploads++
    try {
      return await store()
    } finally {
      this.#uploads--
    }
  }

  /** Whether it is being fetched; then it is among {@link Intake.announced} from now on. */
  announce(cid: Cid, manifest: Manifest): boolean {
    const running = this.#fetches.get(String(cid))
    if (running !== undefined) this.#fetches.set(String(cid), { ...running, manifest })
    return running !== undefined
  }

  /** What is still being fetched of the datasets that somebody was told of, by CID. */
  announced(): readonly (readonly [cid: string, manifest: Manifest])[] {
    return [...this.#fetches].flatMap(([cid, { manifest }]) =>
      manifest === undefined ? [] : [[cid, manifest] as const],
    )
  }

  /** Takes a place for a fetch. @returns gives it back, once @throws CodexError `rest/too-many-fetches` */
  beginFetch(cid: Cid): () => void {
    const name = String(cid)
    const total = [...this.#fetches.values()].reduce((sum, { times }) => sum + times, 0)
    if (total >= MAX_FETCHES)
      throw new CodexError('rest/too-many-fetches', `expected at most ${MAX_FETCHES} fetches at once`, {
        detail: { limit: MAX_FETCHES },
      })
    this.#count(name, 1)
    return () => this.#count(name, -1)
  }

  #count(name: string, change: number): void {
    const { times, manifest } = this.#fetches.get(name) ?? { times: 0, manifest: undefined }
    if (times + change > 0) this.#fetches.set(name, { times: times + change, manifest })
    else this.#fetches.delete(name)
  }
}
