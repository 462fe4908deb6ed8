// Where this user keeps what can be made or fetched anew. Nobody's data belongs there.

import { homedir } from 'node:os'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Absolute; may not exist yet. */
export function cacheFolder(env: Environment = process.env, platform: string = process.platform): string {
  const named = { ...env }
  if (platform === 'win32')
    return join(named['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'codex-light', 'Cache')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'codex-light')
  const xdg = named['XDG_CACHE_HOME'] ?? ''
  return join(xdg.startsWith('/') ? xdg : join(homedir(), '.cache'), 'codex-light')
}
