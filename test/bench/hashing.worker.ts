// A worker of a page that hashes with the bare kernel and nothing around it.

import type { HashOrder } from './hashloop.ts'
import { prepareHashing } from './hashloop.ts'

const hash = await prepareHashing()
addEventListener('message', ({ data }: MessageEvent<HashOrder>) => {
  hash(data)
  postMessage('done')
})
postMessage('ready')
