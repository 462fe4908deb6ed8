// SPDX-License-Identifier: MIT OR Apache-2.0
// When a slot owes a proof, whether one came, and what a proof is checked against. What a missing proof costs is elsewhere.
pragma solidity ^0.8.28;

import {ProofConfig} from "./Configuration.sol";
import {Groth16Proof, IGroth16Verifier} from "./Groth16.sol";
import {Periods} from "./Periods.sol";
import {Records} from "./Records.sol";
import {Request, SlotState} from "./Request.sol";

/// @dev A challenge is made from the hash of a recent block. The pointer says which: it grows by one with each block, so the block it
/// denotes stays the same within a period, until the pointer passes 255 and starts again from 0.
abstract contract Proofs is Records, Periods {
    error Marketplace_SlotNotAcceptingProofs();
    error Proofs_InsufficientBlockHeight();
    error Proofs_InvalidProof();
    error Proofs_ProofAlreadySubmitted();
    error Proofs_PeriodNotEnded();
    error Proofs_ValidationTimedOut();
    error Proofs_ProofNotMissing();
    error Proofs_ProofNotRequired();
    error Proofs_ProofAlreadyMarkedMissing();

    event ProofSubmitted(bytes32 id);

    /// @dev Only the hashes of the latest 256 blocks exist.
    uint256 private constant KNOWN_HASHES = 256;

    struct Tally {
        bool received;
        bool markedMissing;
    }

    IGroth16Verifier internal immutable _verifier;
    uint64 internal immutable _timeout;
    uint8 internal immutable _downtime;
    uint8 internal immutable _downtimeProduct;
    string internal _zkeyHash;
    mapping(bytes32 slotId => mapping(uint64 period => Tally)) private _tallies;

    constructor(ProofConfig memory config, IGroth16Verifier verifier) Periods(config.period) {
        if (block.number <= KNOWN_HASHES) revert Proofs_InsufficientBlockHeight();
        _verifier = verifier;
        _timeout = config.timeout;
        _downtime = config.downtime;
        _downtimeProduct = config.downtimeProduct;
        _zkeyHash = config.zkeyHash;
    }

    /// @return of this period and block, whether or not there is such a slot
    function getPointer(bytes32 id) external view returns (uint8) {
        return _pointerOf(id, _currentPeriod());
    }

    /// @return what a proof that is submitted now must answer, whether or not there is such a slot
    function getChallenge(bytes32 id) public view returns (bytes32) {
        return _challengeAt(_pointerOf(id, _currentPeriod()));
    }

    /// @return whether the slot owes a proof in this period
    function isProofRequired(bytes32 id) external view returns (bool) {
        return _isRequired(id, _currentPeriod());
    }

    /// @return whether the slot would owe a proof in this period, were it not for the downtime, which may end before the period does
    function willProofBeRequired(bytes32 id) external view returns (bool) {
        (bool hit, uint8 pointer) = _drawLot(id, _currentPeriod());
        return hit && pointer < _downtime;
    }

    /// @return in how many periods one proof is due on average, while there is no downtime; below 1 stands for each
    function slotProbability(bytes32 slotId) public view returns (uint256) {
        return (_requests[_slots[slotId].requestId].ask.proofProbability * (256 - uint256(_downtime))) / 256;
    }

    /// @notice Reverts when a proof of that period cannot be marked as missing now.
    function canMarkProofAsMissing(bytes32 slotId, uint64 period) public view {
        if (slotState(slotId) != SlotState.Filled) revert Marketplace_SlotNotAcceptingProofs();
        uint64 end = _endOf(period);
        if (end >= block.timestamp) revert Proofs_PeriodNotEnded();
        if (block.timestamp >= end + _timeout) revert Proofs_ValidationTimedOut();
        Tally memory tally = _tallies[slotId][period];
        if (tally.received) revert Proofs_ProofNotMissing();
        if (!_isRequired(slotId, period)) revert Proofs_ProofNotRequired();
        if (tally.markedMissing) revert Proofs_ProofAlreadyMarkedMissing();
    }

    function _markMissing(bytes32 slotId, uint64 period) internal {
        canMarkProofAsMissing(slotId, period);
        _tallies[slotId][period].markedMissing = true;
    }

    /// @dev Whether a proof is due does not matter; that there is only one in a period does.
    function _receiveProof(bytes32 id, Request storage request, uint64 slotIndex, Groth16Proof calldata proof) internal {
        Tally storage tally = _tallies[id][_currentPeriod()];
        if (tally.received) revert Proofs_ProofAlreadySubmitted();
        uint256[] memory inputs = new uint256[](3);
        inputs[0] = _challengeElement(getChallenge(id));
        inputs[1] = _rootElement(request.content.merkleRoot);
        inputs[2] = slotIndex;
        if (!_verifier.verify(proof, inputs)) revert Proofs_InvalidProof();
        tally.received = true;
        emit ProofSubmitted(id);
    }

    function _isRequired(bytes32 id, uint64 period) private view returns (bool) {
        (bool hit, uint8 pointer) = _drawLot(id, period);
        return hit && pointer >= _downtime;
    }

    /// @dev Of a slot that is filled, from the period after that on.
    /// @return hit whether a proof of `period` is due, downtime aside
    function _drawLot(bytes32 id, uint64 period) private view returns (bool hit, uint8 pointer) {
        if (slotState(id) != SlotState.Filled || period <= _periodOf(_slots[id].filledAt)) return (false, 0);
        pointer = _pointerOf(id, period);
        uint256 challenge = uint256(_challengeAt(pointer));
        uint256 probability = slotProbability(id);
        hit = probability == 0 || challenge % probability == 0;
    }

    function _pointerOf(bytes32 id, uint64 period) private view returns (uint8) {
        unchecked {
            return uint8(block.number) + uint8(period) * _downtimeProduct + uint8(uint256(id));
        }
    }

    function _challengeAt(uint8 pointer) private view returns (bytes32) {
        bytes32 hash = blockhash(block.number - 1 - pointer);
        assert(hash != 0);
        return keccak256(abi.encode(hash));
    }

    /// @dev 31 bytes are always below the field's order.
    function _challengeElement(bytes32 challenge) internal pure returns (uint256) {
        return _littleEndian(challenge & ~bytes32(uint256(0xff)));
    }

    /// @dev A root that is no field element stays as it is, and no proof fits it.
    function _rootElement(bytes32 root) internal pure returns (uint256) {
        return _littleEndian(root);
    }

    /// @dev Swaps neighbours of 1, 2, 4, 8, then 16 bytes.
    function _littleEndian(bytes32 word) private pure returns (uint256 v) {
        v = uint256(word);
        v = _swap(v, 8, 0x00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF);
        v = _swap(v, 16, 0x0000FFFF0000FFFF0000FFFF0000FFFF0000FFFF0000FFFF0000FFFF0000FFFF);
        v = _swap(v, 32, 0x00000000FFFFFFFF00000000FFFFFFFF00000000FFFFFFFF00000000FFFFFFFF);
        v = _swap(v, 64, 0x0000000000000000FFFFFFFFFFFFFFFF0000000000000000FFFFFFFFFFFFFFFF);
        v = (v >> 128) | (v << 128);
    }

    /// @param low the bits whose place is the lower one of two
    function _swap(uint256 v, uint256 bits, uint256 low) private pure returns (uint256) {
        return ((v >> bits) & low) | ((v & low) << bits);
    }
}
