// The settings of the chain as the node takes them. Their flags are in settings.ts, but for the one whose name means something else to some verbs.

import { join } from 'node:path'
import { CodexError } from '../lib/errors.ts'
import { Log } from '../lib/log.ts'
import { LogLevels } from '../lib/loglevels.ts'
import { SystemClock } from '../lib/systemclock.ts'
import { keystoreAddress, readPrivateKey } from '../nodejs.ts'
import { count, type OptionValues, text } from './option.ts'
import { dataFolder, type Settings } from './settings.ts'
import type { Call } from './verb.ts'
import { logSink } from './withnode.ts'

const KEYSTORE_FILE = 'keystore.json'

export async function keystorePath(settings: Settings): Promise<string> {
  return settings.keystore.given ?? join(await dataFolder(settings), KEYSTORE_FILE)
}

/** Of verbs that ask the chain. */
export const CHAIN_OPTIONS = { 'chain-id': count('refuse an endpoint of any other chain') }

/** Of verbs that need the node's key, or its address. */
export const KEY_OPTIONS = {
  'eth-private-key': text('FILE', 'its first line is the private key, instead of a keystore; others may not read it'),
}

/** Whose key it is, and where it lies; no password is needed. @throws CodexError as {@link keystoreAddress} and {@link readPrivateKey} */
export async function keyPlace(
  options: OptionValues<typeof KEY_OPTIONS>,
  settings: Settings,
): Promise<{ readonly address: string; readonly path: string }> {
  const file = options['eth-private-key']
  if (file !== undefined) return { address: (await readPrivateKey(file)).address, path: file }
  const path = await keystorePath(settings)
  return { address: await keystoreAddress(path), path }
}

/** @throws CodexError `cli/no-endpoint` */
export function chainSettings(settings: Settings, chainId?: number) {
  const url = settings['eth-provider'].given
  if (url === undefined)
    throw new CodexError('cli/no-endpoint', 'expected an endpoint of the chain; give one with --eth-provider URL')
  const marketplace = settings['marketplace-address'].given
  const rewardRecipient = settings['reward-recipient'].given
  const maxPriorityFeePerGasWei = settings['max-priority-fee-per-gas'].given
  const maxDailySpendWei = settings['max-daily-spend'].given
  return {
    url,
    // A verb answers or fails; only a node that stays waits for an endpoint to come back.
    connectAttempts: 1,
    attempts: 2,
    ...(chainId === undefined ? {} : { chainId }),
    ...(marketplace === undefined ? {} : { marketplace }),
    ...(rewardRecipient === undefined ? {} : { rewardRecipient }),
    ...(maxPriorityFeePerGasWei === undefined ? {} : { maxPriorityFeePerGasWei }),
    ...(maxDailySpendWei === undefined ? {} : { maxDailySpendWei }),
  }
}

export function keySettings(settings: Settings): { readonly maxGasPriceWei?: bigint } {
  const maxGasPriceWei = settings['max-gas-price'].given
  return maxGasPriceWei === undefined ? {} : { maxGasPriceWei }
}

export async function chainParts({ settings, terminal }: Call): Promise<{ clock: SystemClock; log: Log }> {
  const clock = new SystemClock()
  // The verb itself says what failed.
  const levels = new LogLevels(settings['log-level'].given ?? 'error')
  return { clock, log: new Log({ clock, levels, sinks: [await logSink(settings, terminal)] }, 'market') }
}
