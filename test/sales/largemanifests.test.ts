// A client whose manifest is one byte larger than may be: the sale ends for a reason that it names, nothing of it is kept back, and nobody waits for ever.

import { expect, it, onTestFinished } from 'vitest'
import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { decodeMessage } from '../../src/exchange/decodemessage.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { fetchManifest } from '../../src/exchange/fetchdataset.ts'
import type { Link } from '../../src/exchange/link.ts'
import { MAX_DATA_BYTES, MAX_MESSAGE_BYTES, WANT_BLOCK, WANT_HAVE } from '../../src/exchange/message.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { LogRecord } from '../../src/lib/log.ts'
import type { Bytes } from '../../src/lib/units.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { MAX_MANIFEST_BYTES } from '../../src/protocol/manifestcodec.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import { STALL_SECONDS } from '../../src/sales/downloadpace.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import { memoryLinks } from '../fakes/memorylinks.ts'
import { NEVER, seededRandom } from '../fakes/memorystore.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import { COLLATERAL, SLOT_BYTES, SaleWorld } from '../fakes/saleworld.ts'

const signal = NEVER

it.each([
  ['a manifest', MAX_MANIFEST_BYTES + 1, 'manifest/too-long'],
  ['what one message may deliver', MAX_DATA_BYTES + 1, 'exchange/data-too-large'],
])(
  'one byte more than %s may have, %i bytes, ends a sale with a reason, and everything is back (T33)',
  async (_, bytes, code) => {
    const world = new SaleWorld()
    const client = new LargeClient(bytes)
    const sessions: Promise<unknown>[] = []
    const workOf = (parts: SalesParts): StoredSlotWork => {
      const { repo, datasets, reservations } = parts
      const { log } = repo.parts
      const clock = world.clockOfAnother()
      const exchange = new BlockExchange({ repo, clock, log, random: seededRandom(3) })
      exchange.start()
      onTestFinished(() => exchange.stop())
      const [own, its] = memoryLinks('host', 'client')
      sessions.push(exchange.attach(own), client.serve(its))
      return new StoredSlotWork({
        ...{ repo, datasets, reservations, log },
        network: { exchange, manifest: (cid, options) => fetchManifest({ exchange, repo, datasets }, cid, options) },
        // It comes to neither.
        slots: undefined as never,
        shape: { samples: 5, slotDepth: 11, datasetDepth: 3 },
        prove: async () => NO_PROOF,
      })
    }
    const host = await world.host('host', 1, { workOf })
    await host.sales.start(world.never)
    const asked = world.request()
    world.tell({ ...asked, content: { ...asked.content, cid: client.cid.bytes } })
    const end = (): LogRecord | undefined => host.logged.find(({ fields }) => fields['end'] !== undefined)
    await world.runUntil(() => end() !== undefined, world.clock.now() + STALL_SECONDS + 60)
    await world.run(5)
    if (code === 'manifest/too-long') expect(end()?.fields).toMatchObject({ end: 'broke', error: { code } })
    else {
      // The peer broke a rule and is gone: then nobody is left to give it.
      expect(end()?.fields).toMatchObject({ end: 'declined', why: 'too slow' })
      expect(host.parts.logged).toContainEqual(
        expect.objectContaining({
          message: 'threw a peer out',
          fields: expect.objectContaining({ error: expect.objectContaining({ code }) }),
        }),
      )
    }
    expect(host.parts.reservations.reservations()).toEqual([])
    expect(host.parts.reservations.availabilities()).toMatchObject([
      { freeSize: SLOT_BYTES, totalRemainingCollateral: COLLATERAL },
    ])
    expect((await host.parts.repo.space()).quotaUsedBytes).toBe(0)
    expect(await host.parts.reservations.check({ signal })).toEqual([])
    await host.sales.stop()
  },
)

/** Gives one block of so many bytes, whatever it is asked for, once. */
class LargeClient {
  readonly cid: Cid
  readonly #bytes: Uint8Array
  #hasGiven = false

  constructor(bytes: Bytes) {
    this.#bytes = new Uint8Array(bytes).fill(7)
    this.cid = manifestCid(this.#bytes)
  }

  async serve(link: Link): Promise<void> {
    try {
      for await (const message of link.messages({ signal, maxBytes: () => MAX_MESSAGE_BYTES })) {
        const { wants = [] } = decodeMessage(message)
        const asked = wants.filter(({ cancel }) => !cancel)
        if (asked.some(({ wantType }) => wantType === WANT_HAVE))
          await link.send([encodeMessage({ presences: [{ cid: this.cid, type: 'have' }] })], { signal })
        if (this.#hasGiven || !asked.some(({ wantType }) => wantType === WANT_BLOCK)) continue
        this.#hasGiven = true
        const address = new WireWriter().number(1, 0).bytes(4, this.cid.bytes)
        const delivery = new WireWriter().bytes(1, this.cid.bytes).bytes(2, this.#bytes).message(3, address)
        await link.send([new WireWriter().message(3, delivery).finish()], { signal })
      }
    } catch (error) {
      if (!CodexError.is(error, 'exchange/link-closed')) throw error
    }
  }
}
