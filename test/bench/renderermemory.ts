// Memory of the tab that a bench opened: of the process that renders it, its workers included. Linux only; elsewhere nothing is told.

import { readdirSync, readFileSync } from 'node:fs'

export interface RendererMemory {
  readonly nowMiB: number
  /** The most it has had at any time. */
  readonly peakMiB: number
}

/** Of the largest renderer among the processes that descend from this one: the others of a browser with one tab are idle. */
export function rendererMemory(): RendererMemory {
  const parents = new Map<number, number>()
  const renderers = new Map<number, RendererMemory>()
  for (const name of folders()) {
    const status = read(`/proc/${name}/status`)
    parents.set(Number(name), figure(status, 'PPid'))
    if (read(`/proc/${name}/cmdline`).includes('--type=renderer'))
      renderers.set(Number(name), { nowMiB: figure(status, 'VmRSS') / 1024, peakMiB: figure(status, 'VmHWM') / 1024 })
  }
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)) if (at === process.pid) return true
    return false
  }
  const ours = [...renderers].filter(([pid]) => isOurs(pid)).map(([, memory]) => memory)
  return ours.sort((a, b) => b.peakMiB - a.peakMiB)[0] ?? { nowMiB: Number.NaN, peakMiB: Number.NaN }
}

function folders(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** Nothing of a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function figure(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
}
