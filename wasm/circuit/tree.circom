// Roots from leaves and paths, in the tree of data reference 2.1 and 2.2: keys tell the bottom layer (1) and nodes
// without a right neighbour (2). Which levels a tree really has is an input of bits, which the caller has proven.

pragma circom 2.1.0;

include "bits.circom";
include "hash.circom";

// One level: its parent where the level is real, the node itself where the tree has ended below. Levels beyond the root
// are hashed too, for a circuit cannot leave them out; nothing looks at the result, so their path entries may be anything.
template Climb() {
  signal input node;
  signal input sibling;
  signal input isRight;
  signal input key;
  signal input isReal;
  signal swapped <== (sibling - node) * isRight;
  signal parent <== Compress()(node + swapped, sibling - swapped, key);
  signal output above <== node + isReal * (parent - node);
}

// The levels that a tree over 2^k leaves has, as one bit per level: k ones, then zeros. Takes k from 1 to maxDepth and
// no other count: each bit is the one below or zero, and the ones make up the number.
template LevelsOfPowerOfTwo(maxDepth) {
  signal input leafCount;
  signal output isReal[maxDepth];
  isReal[0] <== 1;
  var sum = 1;
  for (var i = 1; i < maxDepth; i++) {
    isReal[i] <-- leafCount > 2 ** i ? 1 : 0;
    isReal[i] * (isReal[i - 1] - isReal[i]) === 0;
    sum += 2 ** i * isReal[i];
  }
  sum + 1 === leafCount;
}

// The way up from a leaf of a tree of any number of leaves, 1 to 2^maxDepth, level by level: whether its node is a right
// one, whether it lacks a right neighbour, and whether the tree has that level at all. The bottom one it always has.
//
// A node has no right neighbour where it is a left one and its row ends with it: its index, from this level's bit upward,
// is that of the last leaf.
template WayUpAnyTree(maxDepth) {
  signal input index;
  signal input leafCount;
  signal output isRight[maxDepth] <== Bits(maxDepth)(index);
  signal output isOdd[maxDepth];
  signal output isReal[maxDepth];
  signal last[maxDepth] <== Bits(maxDepth)(leafCount - 1);
  signal isOver[maxDepth + 1]; // The last leaf's bits from here upward are all zero.
  signal isLast[maxDepth + 1];
  signal both[maxDepth];
  isOver[maxDepth] <== 1;
  isLast[maxDepth] <== 1;
  for (var i = maxDepth - 1; i >= 0; i--) {
    isOver[i] <== isOver[i + 1] * (1 - last[i]);
    both[i] <== isRight[i] * last[i];
    isLast[i] <== isLast[i + 1] * (1 - isRight[i] - last[i] + 2 * both[i]);
    isOdd[i] <== isLast[i] * (1 - isRight[i]);
    isReal[i] <== i == 0 ? 1 : 1 - isOver[i];
  }
}

// The root over a leaf of such a tree. A single leaf is compressed once. The sibling of a node without a right neighbour is
// the path's entry all the same; only zero makes a true root.
template RootOfAnyTree(maxDepth) {
  signal input leaf;
  signal input index;
  signal input leafCount;
  signal input path[maxDepth];
  component way = WayUpAnyTree(maxDepth);
  way.index <== index;
  way.leafCount <== leafCount;
  signal nodes[maxDepth + 1];
  nodes[0] <== leaf;
  for (var i = 0; i < maxDepth; i++) {
    var bottom = i == 0 ? 1 : 0;
    nodes[i + 1] <== Climb()(nodes[i], path[i], way.isRight[i], bottom + 2 * way.isOdd[i], way.isReal[i]);
  }
  signal output root <== nodes[maxDepth];
}
