// The development setup: a circuit's proving and verification keys straight from a seed. It is no ceremony, and its keys say so.

import type { AbortOptions } from '../lib/abort.ts'
import { utf8 } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { nextTask } from '../lib/nexttask.ts'
import { G1_BYTES, G2_BYTES, MAX_DOMAIN_POWER } from './bn254.ts'
import { sourceOfBytes } from './bytesource.ts'
import { encodeMark } from './developmentmark.ts'
import { type CircuitAtTau, circuitAtTau } from './circuitattau.ts'
import { readR1cs } from './r1cs.ts'
import type { SetupArithmetic } from './setuparithmetic.ts'
import { setupSecrets, type SetupSecrets, sha512 } from './setupsecrets.ts'
import { packScalars } from './packscalars.ts'
import type { VerificationKey } from './verificationkey.ts'
import { encodeZkey, readZkey, type ZkeyParts, type ZkeySectionName } from './zkey.ts'
import { zkeyVerificationKey } from './zkeyverificationkey.ts'

export interface DevSetupOptions extends AbortOptions {
  /** The circuit, as circom writes it. */
  readonly r1cs: Uint8Array
  /** Any text or bytes. The same seed and circuit give the same keys, byte for byte. */
  readonly seed: string | Uint8Array
  readonly arithmetic: SetupArithmetic
}

/** Keys for development only: both say so. */
export interface DevSetup {
  /** A .zkey that snarkjs takes too, with a section that marks it. */
  readonly zkey: Uint8Array
  readonly verificationKey: VerificationKey
}

const NO_CONTRIBUTIONS = new Uint8Array(4)

/**
 * Keys for `r1cs`. Computes some seconds on the calling thread, besides what `arithmetic` does.
 * @throws CodexError `proving/bad-r1cs`, `proving/circuit-too-large`
 */
export async function devSetup({ r1cs: file, seed, arithmetic, signal }: DevSetupOptions): Promise<DevSetup> {
  const r1cs = await readR1cs(sourceOfBytes(file), { signal })
  const publicCount = r1cs.publicOutputCount + r1cs.publicInputCount
  const domainPower = domainPowerFor(r1cs.constraintCount + publicCount + 1)
  const circuitHash = await sha512(file)
  const secrets = await setupSecrets(typeof seed === 'string' ? utf8(seed) : seed, circuitHash)
  await nextTask()
  signal.throwIfAborted()
  const atTau = circuitAtTau(r1cs, domainPower, secrets)
  const contents = await pointSections(atTau, publicCount, arithmetic, { signal })
  const header = {
    wireCount: r1cs.wireCount,
    publicCount,
    domainSize: 2 ** domainPower,
    ...(await headerPoints(secrets, arithmetic, { signal })),
  }
  const contributions = new Uint8Array([...circuitHash, ...NO_CONTRIBUTIONS])
  const parts: ZkeyParts = {
    header,
    contents: { ...contents, coefficients: atTau.terms, contributions },
    mark: encodeMark(),
  }
  const zkey = encodeZkey(parts)
  const read = await readZkey(sourceOfBytes(zkey), { signal })
  return { zkey, verificationKey: await zkeyVerificationKey(read, { signal }) }
}

/** The prover also needs the domain of twice the size. @throws CodexError `proving/circuit-too-large` */
function domainPowerFor(rows: number): number {
  const power = Math.ceil(Math.log2(rows))
  if (power < MAX_DOMAIN_POWER) return power
  throw new CodexError(
    'proving/circuit-too-large',
    `expected at most 2^${MAX_DOMAIN_POWER - 1} constraints, found ${rows}`,
    { detail: { rows } },
  )
}

async function pointSections(
  { a, b, rest, h }: CircuitAtTau,
  publicCount: number,
  arithmetic: SetupArithmetic,
  options: AbortOptions,
): Promise<Record<Exclude<ZkeySectionName, 'coefficients' | 'contributions'>, Uint8Array>> {
  const g1 = (scalars: readonly bigint[]): Promise<Uint8Array> =>
    arithmetic.fixedBaseMany('g1', packScalars(scalars), options)
  return {
    ic: await g1(rest.slice(0, publicCount + 1)),
    a: await g1(a),
    b1: await g1(b),
    b2: await arithmetic.fixedBaseMany('g2', packScalars(b), options),
    c: await g1(rest.slice(publicCount + 1)),
    h: await g1(h),
  }
}

async function headerPoints(
  { alpha, beta, gamma, delta }: SetupSecrets,
  arithmetic: SetupArithmetic,
  options: AbortOptions,
) {
  const inG1 = await arithmetic.fixedBaseMany('g1', packScalars([alpha, beta, delta]), options)
  const inG2 = await arithmetic.fixedBaseMany('g2', packScalars([beta, gamma, delta]), options)
  const point1 = (i: number): Uint8Array => inG1.slice(G1_BYTES * i, G1_BYTES * (i + 1))
  const point2 = (i: number): Uint8Array => inG2.slice(G2_BYTES * i, G2_BYTES * (i + 1))
  return {
    alpha1: point1(0),
    beta1: point1(1),
    delta1: point1(2),
    beta2: point2(0),
    gamma2: point2(1),
    delta2: point2(2),
  }
}
