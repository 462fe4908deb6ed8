// Where what an endpoint keeps begins: nodes drop what is old, and some endpoints sell it apart. How a block is asked about is the asker's affair.

/**
 * The first block that is granted, all after it being so too. Asks about one block after the other, some twenty in all.
 * @param refused a block that is not granted
 * @param newest undefined is returned where this one is refused too: then it is not its age
 */
export async function oldestGranted(
  refused: number,
  newest: number,
  isGranted: (block: number) => Promise<boolean>,
): Promise<number | undefined> {
  if (newest <= refused || !(await isGranted(newest))) return undefined
  let [low, high] = [refused, newest]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (await isGranted(middle)) high = middle
    else low = middle
  }
  return high
}
