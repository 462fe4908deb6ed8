// What a node and its verbs tell before money is lost: slots of an earlier run that this one does not prove, a bridge without peers, and what a purchase costs.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { createNode } from '../../src/nodejs.ts'
import { openDataFolder } from '../../src/platform/nodejs/datafolder.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import type { AvailabilityId } from '../../src/sales/availability.ts'
import type { Reservation, ReservationId } from '../../src/sales/reservation.ts'
import { putReservation } from '../../src/sales/salesrecords.ts'
import { bindSalesPlace } from '../../src/sales/salesplace.ts'
import { document, failure, noise, run, scratchFolder } from './command.ts'
import { startNode, stopWell } from './startednode.ts'

const HOST = `0x${'ab'.repeat(20)}`
const MARKETPLACE = `0x${'cd'.repeat(20)}`
const TOKEN = 'a-token-out-of-a-file'

const id = (digit: number): `0x${string}` => `0x${String(digit).repeat(64)}`

/** @param fill how far its fill is; undefined where it was only downloaded */
function reservation(slotIndex: number, fill: Reservation['fill'], more: Partial<Reservation> = {}): Reservation {
  return {
    ...{ id: id(slotIndex + 1) as ReservationId, availabilityId: id(8) as AvailabilityId },
    ...{ requestId: id(9) as RequestId, slotIndex, slotBytes: 65_536, size: 0, collateral: 1000n },
    ...{ validUntil: 4_000_000_000, listId: slotIndex + 1, fill, ...more },
  }
}

test('slots of an earlier run that are not proven are told on stderr, in alerts and metrics, with what they may cost; so is a bridge that knows nobody; its token may come from a file, and nothing is bought for more than --max-total', async () => {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  const { datastore, slab, release } = await openDataFolder(dataDir)
  await bindSalesPlace(datastore, { chainId: 1, genesis: undefined, marketplace: MARKETPLACE, host: HOST }, 0)
  await datastore.commit(
    [
      reservation(0, 'landed', { stake: 900n }),
      reservation(1, 'sent'),
      // Neither of these can lose anything any more, or yet.
      reservation(2, undefined),
      reservation(3, 'landed', { returnedCollateral: 1000n }),
    ].map(putReservation),
  )
  await slab.close()
  await datastore.close()
  await release()
  // A program hears of it too, unless it sells.
  const made = await createNode({ dataDir, roles: [] })
  expect(made.unproven).toMatchObject({ code: 'sales/slots-unproven', atStake: 1900n })
  await made.stop()
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  const node = await startNode(dataDir, ['--bridge', '-i', '/ip4/127.0.0.1/tcp/0/ws', '--api-token-file', tokenFile])
  const held = `It holds 2 slots of ${HOST} on chain 1 at marketplace ${MARKETPLACE} and does not sell`
  expect(node.said()).toContain(`codex-light: ${held}`)
  expect(node.said()).toContain('at stake: 1900 base units. Start it as a provider')
  expect(node.said()).toContain(
    'this bridge knows no peer of its own to get blocks from: name one with --bootstrap-node',
  )
  const ask = async (row: string, headers = {}): Promise<Response> => fetch(`${node.api}api/${row}`, { headers })
  expect((await ask('codex/v1/space')).status).toBe(401)
  const headers = { Authorization: `Bearer ${TOKEN}` }
  expect((await ask('codex/v1/space', headers)).status).toBe(200)
  expect(await (await ask('v1/alerts', headers)).json()).toMatchObject({
    alerts: [{ code: 'sales/slots-unproven', cause: expect.stringContaining(held) as string, atStake: '1900' }],
  })
  expect(await (await ask('v1/metrics', headers)).text()).toContain('codex_light_alerts{code="sales/slots-unproven"} 1')

  const file = join(folder, 'file')
  writeFileSync(file, noise(200_000, 1))
  const { cid } = await document(['upload', file, '-d', dataDir])
  const buying = (total: number): string[] => [
    ...['purchase', 'create', String(cid), '-d', dataDir, '--duration', '1h', '--price', '1', '--collateral', '1'],
    ...['--max-total', String(total)],
  ]
  const total = 3 * 131_072 * 3600
  const { code, error } = await failure(buying(total - 1))
  expect([code, error.code]).toEqual([5, 'cli/too-dear'])
  expect(error.message).toContain('for 3 slots of 128 KiB and 1h')
  // As much is asked for, of a node that does not buy.
  const asked = await run([...buying(total), '--json'])
  expect(asked.stderr).toContain('codex-light: this costs')
  expect(asked.stdout).toContain('"rest/no-market"')
  await stopWell(node)
})
