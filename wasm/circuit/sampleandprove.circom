// The storage proof: five cells, chosen by the challenge, lie in a slot that belongs to a dataset (data reference 8.4).
// It accepts and rejects what the deployed circuit does, and has its inputs; the words and the constraints are our own.

pragma circom 2.1.0;

include "bits.circom";
include "hash.circom";
include "tree.circom";

// Where the sample with this counter lies, as bits: the low bits of a hash. Those beyond the slot's size are not cut off;
// the levels they would steer are not real.
template CellIndex(maxDepth) {
  signal input entropy;
  signal input slotRoot;
  signal input counter;
  signal output bits[maxDepth];
  signal digest <== Sponge(3)([entropy, slotRoot, counter]);
  signal all[254] <== CanonicalBits()(digest);
  for (var i = 0; i < maxDepth; i++) bits[i] <== all[i];
}

// The slot's root over a cell: through the tree of its block, then through the tree of blocks. Each of the two starts
// with the key of a bottom layer. Both have a power of two of leaves, so no node lacks its neighbour but the one of
// a slot of a single block, which is compressed alone: the key is 3, and the node stands left.
template SlotRoot(maxDepth, blockTreeDepth, elementsPerCell) {
  signal input cell[elementsPerCell];
  signal input index[maxDepth];
  signal input isReal[maxDepth];
  signal input path[maxDepth];
  signal hasManyBlocks <== isReal[blockTreeDepth];
  signal nodes[maxDepth + 1];
  nodes[0] <== Sponge(elementsPerCell)(cell);
  for (var i = 0; i < blockTreeDepth; i++) {
    nodes[i + 1] <== Climb()(nodes[i], path[i], index[i], i == 0 ? 1 : 0, isReal[i]);
  }
  signal isRight <== index[blockTreeDepth] * hasManyBlocks;
  nodes[blockTreeDepth + 1] <== Climb()(
    nodes[blockTreeDepth], path[blockTreeDepth], isRight, 3 - 2 * hasManyBlocks, 1
  );
  for (var i = blockTreeDepth + 1; i < maxDepth; i++) {
    nodes[i + 1] <== Climb()(nodes[i], path[i], index[i], 0, isReal[i]);
  }
  signal output root <== nodes[maxDepth];
}

// maxDepth counts the levels of a slot down to its cells, those of a block (blockTreeDepth, from 1 to below maxDepth) included.
template SampleAndProve(maxDepth, maxLog2NSlots, blockTreeDepth, nFieldElemsPerCell, nSamples) {
  assert(1 <= blockTreeDepth && blockTreeDepth < maxDepth && maxDepth <= 253);
  signal input entropy;
  signal input dataSetRoot;
  signal input slotIndex;
  signal input slotRoot;
  signal input nCellsPerSlot;
  signal input nSlotsPerDataSet;
  signal input slotProof[maxLog2NSlots];
  signal input cellData[nSamples][nFieldElemsPerCell];
  signal input merklePaths[nSamples][maxDepth];

  signal reached <== RootOfAnyTree(maxLog2NSlots)(slotRoot, slotIndex, nSlotsPerDataSet, slotProof);
  reached === dataSetRoot;

  signal isReal[maxDepth] <== LevelsOfPowerOfTwo(maxDepth)(nCellsPerSlot);
  signal index[nSamples][maxDepth];
  signal sampled[nSamples];
  for (var i = 0; i < nSamples; i++) {
    index[i] <== CellIndex(maxDepth)(entropy, slotRoot, i + 1);
    sampled[i] <== SlotRoot(maxDepth, blockTreeDepth, nFieldElemsPerCell)(cellData[i], index[i], isReal, merklePaths[i]);
    sampled[i] === slotRoot;
  }
}
