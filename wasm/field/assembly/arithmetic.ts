// What the other files of the kernel stand on: vectors of field elements and the loops over batches of point additions. Only declared here; the
// build puts the text that arithmetictext.js writes for a variant in this file's place.
//
// An element takes 40 bytes, whatever the variant. A vector is LANES elements in the order that suits the variant: five times 8
// bytes per lane, the lanes of the first 8 bytes coming first. Names end in R for the scalar field, in Q for that of coordinates;
// 1 and 2 stand for G1 and G2. A factor is an element; numbers are 32 little-endian bytes.
//
// A batch of point additions is a list of triples of addresses: both operands and the result. A point is x and y, of one
// element each in G1 and of two in G2. An operand's address with its lowest bit set means minus the point. In the loops below
// `vectors` counts LANES triples each, `differences` and `products` are arrays of vectors (of two each in G2), and CHAINS are
// two running products, one for the even vectors and one for the odd ones. They run in this order:
//   differences  of abscissas
//   forward      products of all differences before; in CHAINS the product of all
//   backward     with the inverses of these products in CHAINS: in `products` the inverse of each difference
//   rises        differences of ordinates, in the place of those of abscissas
//   slopes       into `differences`
//   squares      of the slopes, into `products`
//   abscissas    x of the results, and in `products` how far it is from that of the first operand
//   drops        the product of both, in `products`
//   ordinates    y of the results
// A loop that multiplies does nothing else: a product is so long that a processor sees little beyond it, and would wait for what it
// multiplies.
// Where abscissas are equal `differences` calls amend1 or amend2 of pointbatch.ts, which puts something invertible in the
// difference's place. Points at infinity must not be among the operands.

export declare const LANES: usize
export declare const CHAINS: usize
export declare const CHAIN_STEP: usize

export declare const ORDER_R: usize
export declare const ONE_R: usize
/** Factors of what comes in as plain numbers, in the form of snarkjs's files (times 2^256), and in that form twice. */
export declare const ENTER_PLAIN_R: usize
export declare const ENTER_FILE_R: usize
export declare const ENTER_TWICE_R: usize
export declare const LEAVE_PLAIN_R: usize
export declare const LEAVE_FILE_R: usize
export declare const ORDER_Q: usize
export declare const ONE_Q: usize
export declare const ENTER_PLAIN_Q: usize
export declare const ENTER_FILE_Q: usize
export declare const LEAVE_PLAIN_Q: usize
export declare const LEAVE_FILE_Q: usize
/** Elements: roots of unity of orders 2^0 to 2^28. */
export declare const ROOTS: usize

export declare function multiplyR(to: usize, a: usize, b: usize): void
export declare function addR(to: usize, a: usize, b: usize): void
export declare function subtractR(to: usize, a: usize, b: usize): void
export declare function squareR(to: usize, a: usize): void
export declare function leastR(to: usize, a: usize): void
export declare function multiplyAllR(to: usize, a: usize, b: usize, vectors: usize): void
export declare function addAllR(to: usize, a: usize, b: usize, vectors: usize): void
export declare function subtractAllR(to: usize, a: usize, b: usize, vectors: usize): void
export declare function scaleAllR(to: usize, a: usize, factor: usize, vectors: usize): void
/** A number per lane, each a stride behind the one before. */
export declare function enterR(to: usize, from: usize, stride: usize, factor: usize): void
export declare function leaveR(from: usize, to: usize, stride: usize, factor: usize): void
/** Of what leastR wrote. */
export declare function isZeroR(vector: usize, lane: usize): bool

export declare function multiplyQ(to: usize, a: usize, b: usize): void
export declare function addQ(to: usize, a: usize, b: usize): void
export declare function subtractQ(to: usize, a: usize, b: usize): void
export declare function squareQ(to: usize, a: usize): void
export declare function leastQ(to: usize, a: usize): void
export declare function multiplyAllQ(to: usize, a: usize, b: usize, vectors: usize): void
export declare function addAllQ(to: usize, a: usize, b: usize, vectors: usize): void
export declare function subtractAllQ(to: usize, a: usize, b: usize, vectors: usize): void
export declare function scaleAllQ(to: usize, a: usize, factor: usize, vectors: usize): void
export declare function enterQ(to: usize, from: usize, stride: usize, factor: usize): void
export declare function leaveQ(from: usize, to: usize, stride: usize, factor: usize): void
export declare function isZeroQ(vector: usize, lane: usize): bool

export declare function differences1(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function rises1(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function abscissas1(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function ordinates1(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function forward1(vectors: usize, differences: usize, products: usize): void
export declare function backward1(vectors: usize, differences: usize, products: usize): void
export declare function slopes1(vectors: usize, differences: usize, products: usize): void
export declare function squares1(vectors: usize, differences: usize, products: usize): void
export declare function drops1(vectors: usize, differences: usize, products: usize): void
export declare function differences2(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function rises2(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function abscissas2(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function ordinates2(triples: usize, vectors: usize, differences: usize, products: usize): void
export declare function forward2(vectors: usize, differences: usize, products: usize): void
export declare function backward2(vectors: usize, differences: usize, products: usize): void
export declare function slopes2(vectors: usize, differences: usize, products: usize): void
export declare function squares2(vectors: usize, differences: usize, products: usize): void
export declare function drops2(vectors: usize, differences: usize, products: usize): void

/** Of the triples of one vector: the slope of the tangent, how far apart the ordinates are, twice the first one. */
export declare function tangents1(triples: usize, products: usize, to: usize): void
export declare function heights1(triples: usize, to: usize): void
export declare function doubles1(triples: usize, to: usize): void
export declare function tangents2(triples: usize, products: usize, to: usize): void
export declare function heights2(triples: usize, to: usize): void
export declare function doubles2(triples: usize, to: usize): void
/** Minus the ordinate of one point to that of another. */
export declare function negate1(from: usize, to: usize): void
export declare function negate2(from: usize, to: usize): void
/** Of vectors of coordinates. */
export declare function product1(to: usize, a: usize, b: usize): void
export declare function product2(to: usize, a: usize, b: usize): void

/** The table of twiddles that the passes below read, see transform.ts. */
export declare function placeRoots(table: usize): void
/** Fetches the twiddles of one block for the next pass. `apart`: of the lanes' indices, 0 where there is one lane. */
export declare function place4(index: usize, apart: usize, inverse: bool): void
export declare function place2(index: usize, apart: usize, inverse: bool): void
/** From `at` to `end`, each with what lies one (and two and three) steps further. */
export declare function fall4(at: usize, end: usize, step: usize): void
export declare function fall2(at: usize, end: usize, step: usize): void
export declare function rise4(at: usize, end: usize, step: usize): void
export declare function rise2(at: usize, end: usize, step: usize): void
/** The level that adds and subtracts lanes of one vector. */
export declare function cross(at: usize, end: usize): void
/** Multiplies by the table's entries from an index on. */
export declare function shift(at: usize, end: usize, index: usize, apart: usize): void

/**
 * Adds coefficients times witnesses to rows, one per lane at a time; no two lanes may ever meet in a row.
 * @param values vectors, up to `end`
 * @param places for each coefficient the index of its witness and how far behind `rows` its row's first digit lies, 4 bytes each
 * @param witness elements
 */
export declare function accumulateRows(values: usize, places: usize, end: usize, witness: usize, rows: usize): void
