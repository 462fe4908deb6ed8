// A request whose CID names no manifest (field notes §6), over the work on real stores: the sale ends before anything is reserved on chain or asked of
// peers, it is said why, and all that was set aside is back.

import { expect, it } from 'vitest'
import { fetchManifest } from '../../src/exchange/fetchdataset.ts'
import { makeCid } from '../../src/protocol/cid.ts'
import { slotId } from '../../src/protocol/ids.ts'
import { CODEX_BLOCK, CODEX_MANIFEST, IDENTITY, SHA2_256 } from '../../src/protocol/multicodec.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import { DEPLOYED_SHAPE } from '../../src/slots/proofinputs.ts'
import { Slots } from '../../src/slots/slots.ts'
import type { SalesParts } from '../fakes/salesparts.ts'
import { SaleWorld } from '../fakes/saleworld.ts'

const RAW = 0x55
const DIGEST = Uint8Array.from({ length: 32 }, (_, i) => i)
const HONEST = makeCid(CODEX_MANIFEST, SHA2_256, DIGEST).bytes

/** A CID in its plain form: version 1, codecs and lengths of one byte but those of this network. */
function bytesWith(codec: number, hashCode: number): Uint8Array {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
  return Uint8Array.of(...[1, codec, hashCode, DIGEST.length].flatMap(varint), ...DIGEST)
}

const STRANGE: readonly (readonly [what: string, cid: Uint8Array, code: string])[] = [
  ['is empty', new Uint8Array(0), 'cid/truncated'],
  ['has a codec of another network', bytesWith(RAW, SHA2_256), 'cid/unknown-codec'],
  ['names a block', makeCid(CODEX_BLOCK, SHA2_256, DIGEST).bytes, 'dataset/not-a-manifest'],
  ['has an identity for its hash', bytesWith(CODEX_MANIFEST, IDENTITY), 'cid/wrong-hash'],
  ['is 10 kB long', Uint8Array.of(...HONEST, ...new Uint8Array(10_000)), 'cid/trailing-bytes'],
]

/** Real stores beneath real work. Nothing is asked of peers, and nothing computed: neither is there. */
function storedWork({ repo, datasets, reservations }: SalesParts): StoredSlotWork {
  const slots = new Slots({ repo, datasets, compute: () => Promise.reject(new Error('nothing is computed here')) })
  const exchange = undefined as never
  return new StoredSlotWork({
    ...{ repo, datasets, slots, reservations, log: repo.parts.log, shape: DEPLOYED_SHAPE },
    network: { exchange, manifest: (cid, options) => fetchManifest({ exchange, repo, datasets }, cid, options) },
    prove: () => Promise.reject(new Error('nothing is proven here')),
  })
}

it.each(STRANGE)('a CID that %s: the sale ends while reserving, and everything is back', async (_, cid, code) => {
  const world = new SaleWorld()
  const host = await world.host('host', 1, { workOf: storedWork })
  const had = { ...(await host.parts.repo.space()), availabilities: host.parts.reservations.availabilities() }
  await host.sales.start(world.never)
  const honest = world.request()
  const id = world.tell({ ...honest, content: { ...honest.content, cid } })
  await world.run(600)
  const phases = host.logged.flatMap(({ fields: { phase } }) => (phase === undefined ? [] : [phase]))
  expect(phases).toEqual(['preparing', 'reserving'])
  expect(
    host.logged.flatMap(({ fields: { end, error } }) => (end === undefined ? [] : [{ end, error }])),
  ).toMatchObject([{ end: 'broke', error: { code } }])
  const verdicts = host.sales.decisions.latest(9, id).map(({ verdict }) => verdict)
  expect(verdicts).toEqual(['lost', 'taken', 'queued'])
  expect(world.net.marketplace.reserversOf(slotId(id, 0))).toEqual([])
  const has = { ...(await host.parts.repo.space()), availabilities: host.parts.reservations.availabilities() }
  expect(has).toEqual(had)
  expect(host.parts.reservations.reservations()).toEqual([])
  expect(await host.parts.reservations.check(world.never)).toEqual([])
  await host.sales.stop()
  expect(host.clock.waiting).toBe(0)
})
