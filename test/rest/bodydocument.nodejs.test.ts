// Bodies read as documents: numbers that JavaScript cannot say, and texts that nobody should send.

import { expect, test } from 'vitest'
import { documentIn } from '../../src/rest/bodydocument.ts'
import type { RestContext } from '../../src/rest/restparts.ts'
import { object, text, uint256 } from '../../src/rest/shape.ts'

const shape = object({ text, amount: uint256 })

function read(body: string): ReturnType<typeof documentIn<{ readonly text: string; readonly amount: bigint }>> {
  const raw = new Request('http://localhost/', { method: 'POST', body })
  return documentIn({ req: { raw } } as unknown as RestContext, shape)
}

test('long numbers keep their digits, and texts of digits and quotes stay as they are', async () => {
  const said = '12345678901234567890 "9007199254740993\\'
  expect(await read(`{"text":${JSON.stringify(said)},"amount":9007199254740993}`)).toEqual({
    text: said,
    amount: 9_007_199_254_740_993n,
  })
})

test('a text without an end is refused at once (I13)', async () => {
  for (const piece of ['\\"', '"\\', '\\\\', '"', '{"1":', '1234567890123456"']) {
    const body = `"${piece.repeat(Math.floor(65_000 / piece.length))}`
    const before = performance.now()
    await expect(read(body)).rejects.toMatchObject({ code: 'rest/bad-json' })
    expect([piece, performance.now() - before < 500]).toEqual([piece, true])
  }
})
