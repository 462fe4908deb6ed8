// Sizes that generated and written texts of the kernel share.

/** Of a field element in memory, whatever the variant. */
export const ELEMENT_BYTES = 40
/** Of one addition in a batch: the addresses of both operands and of the result. */
export const TRIPLE_BYTES = 12
/** Of what comes in and goes out. */
export const NUMBER_BYTES = 32
