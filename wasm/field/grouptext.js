// Writes the loops over a batch of point additions in one group. What a batch is, and what each loop leaves for the next, is said in
// assembly/arithmetic.ts; the exceptions among the additions are pointbatch.ts's.

import { indented } from './fieldtext.js'
import { ELEMENT_BYTES, TRIPLE_BYTES } from './sizes.js'

/**
 * @param name ends the names of the functions: 1 for G1, 2 for G2
 * @param field {@link PrimeField} or {@link QuadraticField}
 * @param variant `{ lanes, newLanes(): a stream of lines, constants(): the lines that load what the stream named }`
 */
export function groupText(name, field, variant) {
  const group = new GroupLoops(field, variant)
  const loop = (body) => `  for (; triples < end; triples += ${variant.lanes * TRIPLE_BYTES}) {
${body}  }
`
  const end = `  const end = triples + ${variant.lanes * TRIPLE_BYTES} * vectors\n`
  const step = `    differences += ${group.vectorBytes}\n    products += ${group.vectorBytes}\n`
  const alongTriples = ['differences', 'rises', 'abscissas', 'ordinates'].map((verb) => {
    const { constants, lines } = group.body((lanes) => group[verb](lanes, name))
    return `export function ${verb}${name}(triples: usize, vectors: usize, differences: usize, products: usize): void {
${end}${constants}${loop(`${lines}${step}`)}}

`
  })
  const alongArrays = ['slopes', 'squares', 'drops'].map((verb) => {
    const { constants, lines } = group.body((lanes) => group[verb](lanes))
    return `export function ${verb}${name}(vectors: usize, differences: usize, products: usize): void {
  const end = products + ${group.vectorBytes} * vectors
${constants}  while (products < end) {
${lines}${step}  }
}

`
  })
  const forward = group.body((lanes) => group.forward(lanes))
  const backward = group.body((lanes) => group.backward(lanes))
  const tangents = group.body((lanes) => group.tangents(lanes))
  const heights = group.body((lanes) => group.heights(lanes))
  const doubles = group.body((lanes) => group.doubles(lanes))
  const negated = group.body((lanes) => group.negated(lanes))
  const product = group.body((lanes) => group.product(lanes))
  return `${alongTriples.join('')}${alongArrays.join('')}export function forward${name}(vectors: usize, differences: usize, products: usize): void {
  const end = products + ${group.vectorBytes} * vectors
${forward.constants}  let chain = CHAINS
  while (products < end) {
${forward.lines}${step}    chain = BOTH_CHAINS - chain
  }
}

export function backward${name}(vectors: usize, differences: usize, products: usize): void {
  const begin = products
  products += ${group.vectorBytes} * vectors
  differences += ${group.vectorBytes} * vectors
  let chain = CHAINS + CHAIN_STEP * (vectors & 1)
${backward.constants}  while (products > begin) {
    products -= ${group.vectorBytes}
    differences -= ${group.vectorBytes}
    chain = BOTH_CHAINS - chain
${backward.lines}  }
}

export function tangents${name}(triples: usize, products: usize, to: usize): void {
${tangents.constants}${tangents.lines}}

export function heights${name}(triples: usize, to: usize): void {
${heights.constants}${heights.lines}}

export function doubles${name}(triples: usize, to: usize): void {
${doubles.constants}${doubles.lines}}

export function negate${name}(from: usize, to: usize): void {
${negated.constants}${negated.lines}}

export function product${name}(to: usize, a: usize, b: usize): void {
${product.constants}${product.lines}}
`
}

class GroupLoops {
  #field
  #variant

  constructor(field, variant) {
    this.#field = field
    this.#variant = variant
  }

  get vectorBytes() {
    return this.#componentBytes * this.#field.parts
  }

  get #componentBytes() {
    return ELEMENT_BYTES * this.#variant.lanes
  }

  body(write) {
    const lanes = this.#variant.newLanes()
    write(lanes)
    const constants = this.#variant.constants()
    return { constants: indented(constants), lines: indented(lanes.lines) }
  }

  /** Of abscissas. */
  differences(lanes, name) {
    const [a, b] = this.#operands(lanes)
    const xa = this.#x(lanes, a)
    const difference = this.#x(lanes, b).map((part, i) => lanes.least(lanes.subtract(part, xa[i])))
    this.#store(lanes, 'differences', difference, 'least')
    lanes.line(`if (${lanes.maybeZero(difference[0])}) amend${name}(triples, differences)`)
  }

  /** The products of all differences before this one. */
  forward(lanes) {
    const product = this.#load(lanes, 'chain', 'product')
    const factor = this.#load(lanes, 'differences', 'least')
    this.#store(lanes, 'products', product, 'product')
    this.#store(lanes, 'chain', this.#fit(lanes, this.#field.multiply(lanes, product, factor)), 'product')
  }

  /** From the inverse of all differences up to this one: the inverse of this one, and of those up to the one before. */
  backward(lanes) {
    const inverse = this.#load(lanes, 'chain', 'product')
    const before = this.#load(lanes, 'products', 'product')
    const difference = this.#load(lanes, 'differences', 'least')
    this.#store(lanes, 'products', this.#fit(lanes, this.#field.multiply(lanes, inverse, before)))
    this.#store(lanes, 'chain', this.#fit(lanes, this.#field.multiply(lanes, inverse, difference)), 'product')
  }

  /** Of ordinates, in the differences' place. */
  rises(lanes) {
    const [a, b] = this.#operands(lanes)
    const ya = this.#signedY(lanes, a)
    const rise = this.#signedY(lanes, b).map((part, i) => lanes.least(lanes.subtract(part, ya[i])))
    this.#store(lanes, 'differences', rise, 'least')
  }

  slopes(lanes) {
    const rise = this.#load(lanes, 'differences', 'least')
    const slope = this.#field.multiply(lanes, rise, this.#load(lanes, 'products'))
    this.#store(lanes, 'differences', this.#fit(lanes, slope), 'product')
  }

  squares(lanes) {
    const slope = this.#load(lanes, 'differences', 'product')
    this.#store(lanes, 'products', this.#fit(lanes, this.#field.multiply(lanes, slope, slope)))
  }

  abscissas(lanes) {
    const [a, b] = this.#operands(lanes)
    const square = this.#load(lanes, 'products')
    const xa = this.#x(lanes, a)
    const xb = this.#x(lanes, b)
    const sum = square.map((part, i) => lanes.fit(lanes.subtract(part, lanes.add(xa[i], xb[i]))))
    this.#scatter(lanes, this.#results(lanes), sum, 0)
    const back = sum.map((part, i) => lanes.least(lanes.subtract(xa[i], part)))
    this.#store(lanes, 'products', back, 'least')
  }

  /** How far the ordinates are below those of the first operands. */
  drops(lanes) {
    const slope = this.#load(lanes, 'differences', 'product')
    const product = this.#field.multiply(lanes, slope, this.#load(lanes, 'products', 'least'))
    this.#store(lanes, 'products', this.#fit(lanes, product))
  }

  ordinates(lanes) {
    const [a] = this.#operands(lanes)
    const ya = this.#signedY(lanes, a)
    const sum = this.#load(lanes, 'products').map((part, i) => lanes.fit(lanes.subtract(part, ya[i])))
    this.#scatter(lanes, this.#results(lanes), sum, ELEMENT_BYTES * this.#field.parts)
  }

  /** Three times the square of the first abscissa, times what is in `products`. */
  tangents(lanes) {
    const [a] = this.#operands(lanes)
    const x = this.#x(lanes, a)
    const square = this.#field.multiply(lanes, x, x)
    const rise = square.map((part) => lanes.fit(lanes.add(lanes.add(part, part), part)))
    const slope = this.#field.multiply(lanes, rise, this.#load(lanes, 'products'))
    this.#store(
      lanes,
      'to',
      slope.map((part) => lanes.fit(part, 'product')),
      'product',
    )
  }

  /** What the second ordinate is above the first, of least magnitude. */
  heights(lanes) {
    const [a, b] = this.#operands(lanes)
    const ya = this.#signedY(lanes, a)
    const yb = this.#signedY(lanes, b)
    this.#store(
      lanes,
      'to',
      yb.map((part, i) => lanes.least(lanes.subtract(part, ya[i]))),
    )
  }

  /** Twice the first ordinate, of least magnitude. */
  doubles(lanes) {
    const [a] = this.#operands(lanes)
    const ya = this.#signedY(lanes, a)
    this.#store(
      lanes,
      'to',
      ya.map((part) => lanes.least(lanes.add(part, part))),
    )
  }

  /** One point's ordinate, in all lanes alike; only one is written. */
  negated(lanes) {
    const addresses = Array.from({ length: this.#variant.lanes }, (_, lane) => `from${lane}`)
    for (const address of addresses) {
      lanes.line(`const ${address} = from`)
      lanes.line(`const ${address}Tagged: usize = 1`)
    }
    this.#signedY(lanes, addresses).forEach((part, i) => {
      const targets = addresses.map(() => 'to')
      lanes.scatter(targets, lanes.fit(part), ELEMENT_BYTES * (this.#field.parts + i))
    })
  }

  product(lanes) {
    const product = this.#field.multiply(lanes, this.#load(lanes, 'a'), this.#load(lanes, 'b'))
    this.#store(lanes, 'to', this.#fit(lanes, product))
  }

  /** The names of both operands' addresses, one per lane; with `Tagged` behind them they carry their sign in the lowest bit. */
  #operands(lanes) {
    return ['a', 'b'].map((operand, i) =>
      Array.from({ length: this.#variant.lanes }, (_, lane) => {
        const name = `${operand}${lane}`
        lanes.line(`const ${name}Tagged = <usize>load<u32>(triples, ${TRIPLE_BYTES * lane + 4 * i})`)
        lanes.line(`const ${name} = ${name}Tagged & ~7`)
        return name
      }),
    )
  }

  #results(lanes) {
    return Array.from({ length: this.#variant.lanes }, (_, lane) => {
      lanes.line(`const to${lane} = <usize>load<u32>(triples, ${TRIPLE_BYTES * lane + 8}) & ~7`)
      return `to${lane}`
    })
  }

  #x(lanes, addresses) {
    return this.#parts((i) => lanes.gather(addresses, ELEMENT_BYTES * i))
  }

  #signedY(lanes, addresses) {
    const { parts } = this.#field
    return this.#parts((i) => lanes.negatedWhere(addresses, lanes.gather(addresses, ELEMENT_BYTES * (parts + i))))
  }

  #load(lanes, address, bound) {
    return this.#parts((i) => lanes.load(address, this.#componentBytes * i, bound))
  }

  #store(lanes, address, value, bound) {
    value.forEach((part, i) => lanes.store(address, part, this.#componentBytes * i, bound))
  }

  #scatter(lanes, addresses, value, offset) {
    value.forEach((part, i) => lanes.scatter(addresses, part, offset + ELEMENT_BYTES * i))
  }

  #fit(lanes, value) {
    return value.map((part) => lanes.fit(part))
  }

  #parts(write) {
    return Array.from({ length: this.#field.parts }, (_, i) => write(i))
  }
}
