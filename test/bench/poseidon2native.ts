// Builds and runs the C program that the Poseidon2 kernel is measured against. Without clang there is nothing to compare with.

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import constants from '../../wasm/poseidon2/poseidon2constants.json' with { type: 'json' }
import type { Place, Sample } from './harness.ts'
import { BLOCK_HASH, mibPerSecond } from './poseidon2sides.ts'

const BLOCKS = 200
const QUICK_BLOCKS = 20

const P = BigInt(constants.field)
const FACTOR = 2n ** 256n
const IV = 2n ** 64n + 256n * 3n + 2n

/** Whether there is a clang to build with. */
export function hasClang(): boolean {
  return spawnSync('clang', ['--version'], { stdio: 'ignore' }).status === 0
}

export function buildNative({ root, folder }: Place): void {
  writeFileSync(join(folder, 'constants.h'), header())
  const source = join(root, 'test/bench/poseidon2reference.c')
  const flags = ['-O3', '-march=native', `-I${folder}`]
  execFileSync('clang', [...flags, source, '-o', join(folder, 'reference')])
}

export function measureNative({ folder, quick }: Place): Sample {
  const blocks = quick ? QUICK_BLOCKS : BLOCKS
  const answer = execFileSync(join(folder, 'reference'), [String(blocks)], { encoding: 'utf8' })
  const [nanoseconds = '', hash = ''] = answer.trim().split(' ')
  if (hash !== BLOCK_HASH) throw new Error(`expected the reference to find ${BLOCK_HASH}, found ${hash}`)
  return { mibPerSecond: mibPerSecond(Number(nanoseconds) / 1e6) }
}

/** The constants in Montgomery form. */
function header(): string {
  const words = (value: bigint): string => {
    const four = Array.from({ length: 4 }, (_, i) => `0x${BigInt.asUintN(64, value >> BigInt(64 * i)).toString(16)}ull`)
    return `{{${four.join(',')}}}`
  }
  const montgomery = (value: string | bigint): string => words((BigInt(value) * FACTOR) % P)
  const rows = constants.external.map((row) => `{${row.map(montgomery).join(',')}}`)
  return [
    `static const element ORDER = ${words(P)};`,
    `static const uint64_t NEGATED_INVERSE = 0x${BigInt.asUintN(64, -inverse(P)).toString(16)}ull;`,
    `static const element FACTOR_SQUARED = ${montgomery(FACTOR)};`,
    `static const element INITIAL = ${montgomery(IV)};`,
    `static const element EXTERNAL[8][3] = {${rows.join(',')}};`,
    `static const element INTERNAL[56] = {${constants.internal.map(montgomery).join(',')}};`,
    '',
  ].join('\n')
}

/** Of an odd number modulo 2^64, by Newton: every step doubles the bits that are right. */
function inverse(odd: bigint): bigint {
  let found = odd
  for (let bits = 3; bits < 64; bits *= 2) found = BigInt.asUintN(64, found * (2n - odd * found))
  return found
}
