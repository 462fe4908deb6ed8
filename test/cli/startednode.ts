// A node that `codex-light start` runs in a process of its own, for tests that speak to it as others do. Not a test.

import { expect } from 'vitest'
import type { CommandOptions, Ended, Running } from './command.ts'
import { start } from './command.ts'

export interface StartedNode extends Running {
  readonly dataDir: string
  readonly peerId: string
  /** Multiaddrs with the peer id, those of WebSocket last. */
  readonly addresses: readonly string[]
  readonly spr: string
  /** Root of its REST surface, with a slash at the end. */
  readonly api: string
  /** Where tabs come in. */
  readonly bridge: readonly string[]
  /** What it has said on stderr so far. */
  said(): string
  /** As Ctrl-C does; how it ended, and after how many milliseconds. */
  stop(): Promise<Ended & { readonly tookMs: number }>
}

/** Settles when it says that it runs. */
export async function startNode(
  dataDir: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<StartedNode> {
  const fixed = ['start', '--json', '-d', dataDir, '-i', '/ip4/127.0.0.1/tcp/0', '-p', '0']
  const running = start([...fixed, ...args], options)
  let stdout = ''
  let stderr = ''
  running.child.stderr.on('data', (text: string) => (stderr += text))
  const facts = await new Promise<Facts>((resolve, reject) => {
    running.child.stdout.on('data', (text: string) => {
      stdout += text
      if (stdout.includes('\n')) resolve(JSON.parse(stdout) as Facts)
    })
    void running.ended.then(({ code }) => reject(new Error(`start ended with ${code}: ${stdout}${stderr}`)))
  })
  const addresses = facts.addresses.map((address) => `${address}/p2p/${facts.peerId}`)
  return {
    ...running,
    ...facts,
    dataDir,
    addresses,
    said: () => stderr,
    async stop() {
      const begun = performance.now()
      running.child.kill('SIGINT')
      const ended = await running.ended
      return { ...ended, tookMs: performance.now() - begun }
    },
  }
}

interface Facts {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly spr: string
  readonly api: string
  readonly bridge: readonly string[]
}

/** Stops it as a person would, and expects a good end within five seconds. */
export async function stopWell(node: StartedNode): Promise<void> {
  const { code, tookMs } = await node.stop()
  expect(code).toBe(0)
  expect(tookMs).toBeLessThan(5000)
}
