// Helia's bitswap, one side of it in a process of its own. Blocks are in memory on both sides, which is the fastest store Helia has; libp2p is as in the raw
// stream beside it. Runs from this folder's own packages, in the newer Node that they want. Started by exchangebitswap.bench.ts.
//   serve FILE COUNT BLOCK-BYTES LIST   gives the first blocks of a file, writes what they are named to LIST, prints its address
//   fetch ADDRESS LIST AT-ONCE          gets them all, prints { seconds, bytes }

import { createHash } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'

import { createBitswap } from '@helia/bitswap'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryBlockstore } from 'blockstore-core'
import { createLibp2p } from 'libp2p'
import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'

const RAW = 0x55
const SHA2_256 = 0x12
const DIGEST_BYTES = 32

async function openBitswap(listen) {
  const libp2p = await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  const blockstore = new MemoryBlockstore()
  const routing = { async *findProviders() {} }
  const getHasher = async () => sha256
  const bitswap = createBitswap({ libp2p, blockstore, routing, getHasher, logger: defaultLogger() })
  await bitswap.start()
  return { libp2p, blockstore, bitswap }
}

function cidOf(digest) {
  return CID.createV1(RAW, create(SHA2_256, digest))
}

async function serve(path, count, blockBytes, list) {
  const { libp2p, blockstore } = await openBitswap(['/ip4/127.0.0.1/tcp/0'])
  const file = await open(path)
  const digests = []
  for (let i = 0; i < count; i++) {
    const block = new Uint8Array(blockBytes)
    await file.read(block, 0, blockBytes, i * blockBytes)
    const digest = new Uint8Array(createHash('sha256').update(block).digest())
    digests.push(digest)
    await blockstore.put(cidOf(digest), block)
  }
  await file.close()
  await writeFile(list, Buffer.concat(digests))
  process.stdin.resume().on('end', () => process.exit())
  console.log(String(libp2p.getMultiaddrs()[0]))
}

async function fetchAll(address, list, atOnce) {
  const { libp2p, blockstore, bitswap } = await openBitswap([])
  const digests = await readFile(list)
  const count = digests.length / DIGEST_BYTES
  // Bitswap speaks to peers that have told what they speak.
  const known = new Promise((resolve) => libp2p.addEventListener('peer:identify', resolve, { once: true }))
  await libp2p.dial(multiaddr(address))
  await known
  const begin = performance.now()
  let next = 0
  let bytes = 0
  const fetchSome = async () => {
    while (next < count) {
      const at = next++ * DIGEST_BYTES
      const cid = cidOf(new Uint8Array(digests.subarray(at, at + DIGEST_BYTES)))
      const block = await bitswap.want(cid)
      await blockstore.put(cid, block)
      await bitswap.notify(cid)
      bytes += block.byteLength
    }
  }
  await Promise.all(Array.from({ length: atOnce }, fetchSome))
  const seconds = (performance.now() - begin) / 1000
  console.log(JSON.stringify({ seconds, bytes }))
  process.exit()
}

const [, , verb, ...args] = process.argv
if (verb === 'serve') await serve(args[0], Number(args[1]), Number(args[2]), args[3])
else await fetchAll(args[0], args[1], Number(args[2]))
