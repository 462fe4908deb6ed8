// The node's numbers as Prometheus reads them, units in the names. Nothing is counted here: each number is asked for when it is scraped.

import process from 'node:process'
import { alertsBeforeEntry, committedOf, unprovenOf } from './alerts.ts'
import type { Log } from '../lib/log.ts'
import type { MarketplaceParts } from './marketparts.ts'
import type { RestParts } from './restparts.ts'

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Who scrapes waits some seconds at most. */
const PURSE_TIMEOUT_MS = 3000

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number | bigint }[]
}

type Watched = Pick<RestParts, 'node' | 'network' | 'marketplace' | 'hub' | 'version' | 'log'>

export async function metricsText(parts: Watched): Promise<string> {
  const marketplace = parts.marketplace.parts()
  const metrics = [
    ...processMetrics(parts),
    ...(await storeMetrics(parts)),
    ...(marketplace === undefined ? metricsBeforeEntry(parts.marketplace) : await marketMetrics(marketplace, parts)),
  ]
  return metrics.map(written).join('')
}

function processMetrics({ hub, version, network }: Watched): Metric[] {
  const peers = network.peers()
  return [
    one('codex_light_info', 'Always 1; the version is a label', 1, { version }),
    one('process_resident_memory_bytes', 'Memory of the process', process.memoryUsage.rss()),
    one('codex_light_uptime_seconds', 'Since the process began', Math.round(process.uptime())),
    one('codex_light_peers', 'Connected peers', peers.length),
    one('codex_light_peers_received_bytes', 'From the peers connected now', sum(peers, 'receivedBytes')),
    one('codex_light_peers_sent_bytes', 'To the peers connected now', sum(peers, 'sentBytes')),
    {
      name: 'codex_light_log_records_total',
      help: 'Log records since the start, by level',
      type: 'counter',
      values: [...hub.counts].map(([level, value]) => ({ labels: { level }, value })),
    },
  ]
}

async function storeMetrics({ node }: Watched): Promise<Metric[]> {
  const { totalBlocks, quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await node.repo.space()
  return [
    one('codex_light_blocks', 'Blocks in the store', totalBlocks),
    one('codex_light_quota_max_bytes', 'What the store may take', quotaMaxBytes),
    one('codex_light_quota_used_bytes', 'Taken by blocks', quotaUsedBytes),
    one('codex_light_quota_reserved_bytes', 'Set aside for slots and availabilities', quotaReservedBytes),
    // The same under the names that boards of this network's nodes read.
    one('codex_repostore_blocks', 'Blocks in the store', totalBlocks),
    one('codex_repostore_bytes_used', 'Taken by blocks', quotaUsedBytes),
    one('codex_repostore_bytes_reserved', 'Set aside for slots and availabilities', quotaReservedBytes),
  ]
}

/** Of a node that is not in the marketplace yet: nothing answers it, and who watches must see that. */
function metricsBeforeEntry(door: Watched['marketplace']): Metric[] {
  const alerts = alertsBeforeEntry(door)
  const counts = alertCounts(alerts.map(({ code }) => code))
  return [...(door.isWanted ? [endpointUp(false)] : []), ...(door.isWanted || alerts.length > 0 ? [counts] : [])]
}

function endpointUp(isUp: boolean): Metric {
  return one('codex_light_chain_endpoint_up', '1 while the endpoint of the chain answers', isUp ? 1 : 0)
}

/** @param codes of alerts */
function alertCounts(codes: readonly string[]): Metric {
  const help = 'Alerts raised whose cause is not over, among the latest, by code'
  return byLabel('codex_light_alerts', help, 'code', codes)
}

async function marketMetrics(
  marketplace: MarketplaceParts,
  { marketplace: door, log }: Pick<Watched, 'marketplace' | 'log'>,
): Promise<Metric[]> {
  const { market, selling, buying, validating } = marketplace
  const alerts = [...unprovenOf(door), ...marketplace.alerts]
  const { state, drift } = market.endpointStatus()
  const metrics = [
    endpointUp(state === 'connected'),
    alertCounts(alerts.filter(({ over }) => over === undefined).map(({ code }) => code)),
    ...(await purseMetrics(marketplace, log)),
  ]
  // Nothing is known of it while the endpoint is away.
  if (state === 'connected')
    metrics.push(
      one(
        'codex_light_chain_clock_drift_seconds',
        "How far the chain's time is ahead of this machine's clock, behind when negative; 0 while it is a few seconds or less",
        drift ?? 0,
      ),
    )
  if (selling !== undefined) {
    const { reservations, sales, meter, holds, earningTotals, proofs } = selling
    const availabilities = reservations.availabilities()
    metrics.push(
      byLabel('codex_provider_sales', 'Slots being sold or held, by state', 'state', statesOf(selling.list())),
      one('codex_provider_queue_slots', 'Slots that wait to be looked at', sales.queue.size),
      one('codex_provider_selling_held', '1 while no new slots are taken', holds.length > 0 ? 1 : 0),
      one('codex_provider_availability_total_bytes', 'Offered for sale', sum(availabilities, 'totalSize')),
      one('codex_provider_availability_free_bytes', 'Of what is offered, not taken', sum(availabilities, 'freeSize')),
      one('codex_provider_reservations', 'Slots that have taken space', reservations.reservations().length),
      one('codex_provider_collateral_committed_base_units', 'Put into slots', committedOf(selling)),
      total('codex_provider_proofs_submitted_total', 'Proofs of slots in the chain, since the start', proofs.submitted),
      total(
        'codex_provider_proofs_missed_total',
        'Proofs that were due and are not in the chain, since the start',
        proofs.missed,
      ),
      total('codex_provider_rewards_base_units_total', 'Paid out for slots, over restarts', earningTotals.reward),
      total(
        'codex_provider_collateral_lost_base_units_total',
        'Of the collateral of slots that ended, what the contract kept, over restarts',
        earningTotals.lostCollateral,
      ),
    )
    if (meter.lastSeconds !== undefined)
      metrics.push(one('codex_provider_proof_seconds', 'What the latest proof took', meter.lastSeconds))
  }
  if (buying !== undefined)
    metrics.push(
      byLabel(
        'codex_light_purchases',
        'Requests of this node, by state',
        'state',
        statesOf(buying.purchasing.purchases),
      ),
    )
  if (validating !== undefined)
    metrics.push(one('codex_light_validator_slots', 'Slots a validator watches', validating.watched.length))
  return metrics
}

function one(name: string, help: string, value: number | bigint, labels?: Readonly<Record<string, string>>): Metric {
  return { name, help, type: 'gauge', values: [labels === undefined ? { value } : { labels, value }] }
}

/** What never shrinks but with the process. */
function total(name: string, help: string, value: number | bigint): Metric {
  return { name, help, type: 'counter', values: [{ value }] }
}

function byLabel(name: string, help: string, label: string, texts: readonly string[]): Metric {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return {
    name,
    help,
    type: 'gauge',
    values: [...counts].map(([text, value]) => ({ labels: { [label]: text }, value })),
  }
}

function statesOf(items: readonly { readonly state: string }[]): string[] {
  return items.map(({ state }) => state)
}

/** Asked of the chain: not told while it gives no answer. */
async function purseMetrics({ market }: MarketplaceParts, log: Log): Promise<Metric[]> {
  if (market.endpointStatus().state !== 'connected') return []
  const signal = AbortSignal.timeout(PURSE_TIMEOUT_MS)
  try {
    const [coins, tokens] = await Promise.all([market.coinBalance({ signal }), market.tokenBalance({ signal })])
    return [
      one('codex_light_key_coins_wei', 'What the node key has for gas', coins),
      one('codex_light_key_tokens_base_units', 'What the node key has for collateral', tokens),
    ]
  } catch (error) {
    log.debug('what the node key has could not be asked for its metrics', { error })
    return []
  }
}

function sum<Name extends string>(items: readonly Readonly<Record<Name, number>>[], name: Name): number {
  return items.reduce((total, item) => total + item[name], 0)
}

function written({ name, help, type, values }: Metric): string {
  const lines = values.map(({ labels = {}, value }) => {
    const texts = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, '_')}"`)
    return `${name}${texts.length === 0 ? '' : `{${texts.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}
