// The verification key that a proving key holds. It reads and checks a handful of points and nothing of the long sections.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { G1_BYTES } from './bn254.ts'
import { type G1Point, type G2Point, isGroupPoint } from './checkedpoint.ts'
import { readG1, readG2 } from './pointbytes.ts'
import { type VerificationKey, verificationKeyOfPoints } from './verificationkey.ts'
import { readZkeySection, type Zkey } from './zkey.ts'

/** @throws CodexError `proving/bad-zkey` where a point is off its curve, outside its group, or infinity; with the field */
export async function zkeyVerificationKey(zkey: Zkey, options: AbortOptions): Promise<VerificationKey> {
  const { alpha1, beta2, gamma2, delta2, publicCount } = zkey.header
  const ic = await readZkeySection(zkey, 'ic', options)
  return verificationKeyOfPoints(
    {
      alpha: checked('alpha1', readG1(alpha1)),
      beta: checked('beta2', readG2(beta2)),
      gamma: checked('gamma2', readG2(gamma2)),
      delta: checked('delta2', readG2(delta2)),
      ic: Array.from({ length: publicCount + 1 }, (_, i) => checked(`ic[${i}]`, readG1(ic, G1_BYTES * i))),
    },
    zkey.developmentMark,
  )
}

function checked<Point extends G1Point | G2Point>(field: string, point: Point | undefined): Point {
  if (point !== undefined && isGroupPoint(point)) return point
  throw new CodexError(
    'proving/bad-zkey',
    `zkey file, ${field}: expected a point of the group, found none; get the file anew`,
    { detail: { field } },
  )
}
