// SPDX-License-Identifier: MIT OR Apache-2.0
// The nouns of the market as calls and events carry them. What may be done with them is in the other files.
pragma solidity ^0.8.28;

/// @notice A client's wish to have a dataset stored. Its id is the hash of its ABI encoding.
struct Request {
    address client;
    Ask ask;
    Content content;
    /// @dev Seconds after the request's block; when not all slots are filled by then, the request is cancelled.
    uint64 expiry;
    bytes32 nonce;
}

/// @notice What is to be kept, for how long, and what it earns and risks.
struct Ask {
    /// @dev About one proof every so many periods.
    uint256 proofProbability;
    uint256 pricePerBytePerSecond;
    uint256 collateralPerByte;
    uint64 slots;
    /// @dev Bytes of one slot.
    uint64 slotSize;
    /// @dev Seconds after the request's block.
    uint64 duration;
    /// @dev More slots than these may not be without a host at once, else the request fails.
    uint64 maxSlotLoss;
}

struct Content {
    /// @dev Of the verifiable manifest, in binary form.
    bytes cid;
    /// @dev The root that proofs are checked against, a field element in little-endian bytes.
    bytes32 merkleRoot;
}

struct ActiveSlot {
    Request request;
    uint64 slotIndex;
}

enum RequestState {
    New,
    Started,
    Cancelled,
    Finished,
    Failed
}

enum SlotState {
    Free,
    Filled,
    Finished,
    Failed,
    Paid,
    Cancelled,
    Repair
}

/// @notice Amounts that follow from an ask. Checked arithmetic: terms too large to compute make the call revert.
library Terms {
    /// @return what one slot earns each second
    function slotPrice(Ask storage ask) internal view returns (uint256) {
        return ask.pricePerBytePerSecond * ask.slotSize;
    }

    /// @return what a host puts in for one slot
    function slotCollateral(Ask storage ask) internal view returns (uint256) {
        return ask.collateralPerByte * ask.slotSize;
    }

    /// @return what the client pays in: all slots, all the time
    function maxPrice(Ask storage ask) internal view returns (uint256) {
        // The product of the two uint64 is one itself, and must be: that is a limit clients meet.
        return ask.slots * ask.duration * slotPrice(ask);
    }
}

/// @return the id of a slot, whether or not there is a request with that many slots
function slotIdOf(bytes32 requestId, uint64 slotIndex) pure returns (bytes32) {
    return keccak256(abi.encode(requestId, slotIndex));
}
