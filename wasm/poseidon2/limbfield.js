// A prime field of 254 bits over nine limbs of 29 bits in u64: writes Montgomery products, sums and reductions as lines of
// AssemblyScript, and proves while writing that no accumulator overflows. An element is `{ limbs, max }`, never negative, any
// representative of its class, at most `max`; every limb carries its own largest value. Nothing here is ever fully reduced.
//
// Montgomery's factor is 2^261, 137 p and more: a product of a and b is at most a b / 2^261 + p, so that sums of a few
// products go into the next product as they are, once their limbs are carried. BN254's scalar field has a p of 1 + 2^28
// modulo 2^29, hence the quotient digit -t / p is (2^28 - 1) t, and neither it nor its product with the lowest limb needs a
// multiplication; for other fields both do.

export const LIMB_BITS = 29n
export const LIMBS = 9
export const LIMB = (1n << LIMB_BITS) - 1n
const WORD = 1n << 64n
/** The quotient estimate's fraction. */
const QUOTIENT_BITS = 40n

const weight = (i) => LIMB_BITS * BigInt(i)
const smaller = (a, b) => (a < b ? a : b)

/** The field's constants in limbs. @param p the order, odd */
export function limbField(p) {
  return {
    p,
    factor: 1n << weight(LIMBS),
    limbsOf: (value) => limbsOf(((value % p) + p) % p),
    pLimbs: limbsOf(p),
    /** -1 / p modulo 2^29. */
    negated: LIMB & -inverseOfOdd(p),
  }
}

/** Modulo 2^29, by Newton: each step doubles the number of right bits. */
function inverseOfOdd(value) {
  let inverse = value
  for (let bits = 3n; bits < LIMB_BITS; bits *= 2n) inverse = (inverse * (2n - value * inverse)) & LIMB
  return inverse
}

function limbsOf(value) {
  return Array.from({ length: LIMBS }, (_, i) => (i < LIMBS - 1 ? (value >> weight(i)) & LIMB : value >> weight(i)))
}

/** One run of lines without branches. */
export class LimbStream {
  lines = []
  #count = 0

  /** A `u64`, or what else `type` says. */
  line(max, expression, type = 'u64') {
    if (max >= WORD) throw new Error(`up to 2^${Math.log2(Number(max))} in ${expression}`)
    const name = `v${this.#count++}`
    this.lines.push(`const ${name}: ${type} = ${expression}`)
    return { name, max }
  }

  store(address, value, offset) {
    this.lines.push(`store<u64>(${address}, ${value.name}, ${offset})`)
  }
}

/** `a * b / 2^261`, column by column from the lowest. @param b the same object as `a` for a square */
export function multiply(stream, field, a, b) {
  const quotients = []
  const limbs = []
  let carry
  for (let k = 0; k < 2 * LIMBS - 1; k++) {
    const terms = a === b ? squareTerms(stream, a, k) : productTerms(a, b, k)
    for (let i = Math.max(0, k - LIMBS + 1); i < quotients.length; i++)
      terms.push(times(quotients[i], { name: `${field.pLimbs[k - i]}`, max: field.pLimbs[k - i] }))
    if (carry !== undefined) terms.push(carry)
    const column = sum(stream, terms)
    if (k < LIMBS) {
      const { quotient, lowest } = quotientOf(stream, field, column)
      quotients.push(quotient)
      const whole = stream.line(column.max + LIMB * field.pLimbs[0], `${column.name} + ${lowest}`)
      carry = stream.line(whole.max >> LIMB_BITS, `${whole.name} >> ${LIMB_BITS}`)
    } else {
      limbs.push(stream.line(LIMB, `${column.name} & ${LIMB}`))
      carry = stream.line(column.max >> LIMB_BITS, `${column.name} >> ${LIMB_BITS}`)
    }
  }
  return bounded([...limbs, carry], (a.max * b.max) / field.factor + field.p + 1n)
}

/** The digit that makes the column's sum with `lowest`, its product with the lowest limb of p, a multiple of 2^29. */
function quotientOf(stream, { pLimbs, negated }, column) {
  if (pLimbs[0] === (1n << 28n) + 1n) {
    const quotient = stream.line(LIMB, `((${column.name} << 28) - ${column.name}) & ${LIMB}`)
    return { quotient, lowest: `${quotient.name} + (${quotient.name} << 28)` }
  }
  const quotient = stream.line(LIMB, `<u64>(<u32>${column.name} * ${negated}) & ${LIMB}`)
  return { quotient, lowest: `${quotient.name} * ${pLimbs[0]}` }
}

function productTerms(a, b, k) {
  const terms = []
  for (let i = Math.max(0, k - LIMBS + 1); i <= Math.min(k, LIMBS - 1); i++)
    terms.push(times(a.limbs[i], b.limbs[k - i]))
  return terms
}

function squareTerms(stream, a, k) {
  const once = []
  for (let i = Math.max(0, k - LIMBS + 1); 2 * i < k; i++) once.push(times(a.limbs[i], a.limbs[k - i]))
  const terms = []
  if (once.length > 0) {
    const half = sum(stream, once)
    terms.push({ name: `(${half.name} << 1)`, max: 2n * half.max })
  }
  if (k % 2 === 0) terms.push(times(a.limbs[k / 2], a.limbs[k / 2]))
  return terms
}

function times(a, b) {
  return { name: `${a.name} * ${b.name}`, max: a.max * b.max }
}

function sum(stream, terms) {
  return stream.line(
    terms.reduce((total, { max }) => total + max, 0n),
    terms.map(({ name }) => name).join(' + '),
  )
}

/** The sum of `factor * element` over all pairs, limb by limb: nothing is carried. */
export function combine(stream, ...pairs) {
  return {
    limbs: pairs[0][1].limbs.map((_, i) =>
      sum(
        stream,
        pairs.map(([factor, { limbs }]) => ({
          name: factor === 1n ? limbs[i].name : `${limbs[i].name} * ${factor}`,
          max: factor * limbs[i].max,
        })),
      ),
    ),
    max: pairs.reduce((total, [factor, { max }]) => total + factor * max, 0n),
  }
}

/** The same value in limbs of 29 bits, the top one as small as the value. */
export function carried(stream, { limbs, max }) {
  const digits = []
  let carry
  for (const [i, limb] of limbs.entries()) {
    const whole = carry === undefined ? limb : sum(stream, [limb, carry])
    if (i === LIMBS - 1) digits.push(whole)
    else {
      digits.push(stream.line(LIMB, `${whole.name} & ${LIMB}`))
      carry = stream.line(whole.max >> LIMB_BITS, `${whole.name} >> ${LIMB_BITS}`)
    }
  }
  return bounded(digits, max)
}

/**
 * The same class with a value of at most p and a little, in limbs of 29 bits. The quotient is estimated from the top limb,
 * from below: with top the top limb of the carried value and t that of p, it is at most top / (t + 1), so that nothing goes
 * below zero, and short of value / p by less than 1 + top / t^2 + top * 2^-40 + 1 / t.
 */
export function reduced(stream, { p, pLimbs }, element) {
  const { limbs, max } = carried(stream, element)
  const top = limbs[LIMBS - 1]
  const t = pLimbs[LIMBS - 1]
  const scale = (1n << QUOTIENT_BITS) / (t + 1n)
  const quotient = stream.line(
    (top.max * scale) >> QUOTIENT_BITS,
    `(${stream.line(top.max * scale, `${top.name} * ${scale}`).name}) >> ${QUOTIENT_BITS}`,
  )
  const left = []
  let carry
  for (const [i, limb] of limbs.entries()) {
    // May be negative: two's complement, and an arithmetic shift.
    const whole = `<i64>(${limb.name} - ${quotient.name} * ${pLimbs[i]})${carry === undefined ? '' : ` + ${carry.name}`}`
    const difference = stream.line(limb.max, whole, 'i64')
    if (i === LIMBS - 1) left.push(stream.line(top.max, `<u64>${difference.name}`))
    else {
      left.push(stream.line(LIMB, `<u64>${difference.name} & ${LIMB}`))
      carry = stream.line(limb.max, `${difference.name} >> ${LIMB_BITS}`, 'i64')
    }
  }
  const short = p + (top.max * p) / (t * t) + ((top.max * p) >> QUOTIENT_BITS) + p / t + 4n // Each of the three terms is rounded down.
  return bounded(left, smaller(max, short))
}

/** Tells the top limb what the value's bound says about it. */
function bounded(limbs, max) {
  const top = limbs[LIMBS - 1]
  return { limbs: [...limbs.slice(0, -1), { ...top, max: smaller(top.max, max >> weight(LIMBS - 1)) }], max }
}
