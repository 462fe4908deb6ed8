// SPDX-License-Identifier: MIT OR Apache-2.0
// What the marketplace remembers of requests and slots, and what time makes of it. Reads only; others change the records.
pragma solidity ^0.8.28;

import {IdSet} from "./IdSet.sol";
import {ActiveSlot, Request, RequestState, SlotState} from "./Request.sol";

/// @dev A state is written when a transaction changes it. What the clock alone changes is worked out when somebody asks.
abstract contract Records {
    error Marketplace_UnknownRequest();
    error Marketplace_SlotIsFree();

    struct RequestRecord {
        RequestState state;
        uint64 slotsFilled;
        uint64 expiresAt;
        /// @dev Never 0 once the request is known.
        uint64 endsAt;
        /// @dev What the client gets back if everything goes on as it is.
        uint256 fundsToReturn;
    }

    struct SlotRecord {
        /// @dev 0 until the slot is filled for the first time.
        bytes32 requestId;
        address host;
        uint64 filledAt;
        SlotState state;
        uint64 slotIndex;
        /// @dev Missing proofs since the slot was last filled.
        uint64 missed;
        uint256 collateral;
    }

    mapping(bytes32 requestId => Request) internal _requests;
    mapping(bytes32 requestId => RequestRecord) internal _requestRecords;
    mapping(bytes32 slotId => SlotRecord) internal _slots;
    mapping(address client => IdSet) internal _requestsOf;
    mapping(address host => IdSet) internal _slotsOf;

    /// @notice The sender's requests that are not over, or not settled.
    function myRequests() external view returns (bytes32[] memory) {
        return _requestsOf[msg.sender].ids;
    }

    /// @notice The slots that the sender hosts, until they are paid, given up or lost.
    function mySlots() external view returns (bytes32[] memory) {
        return _slotsOf[msg.sender].ids;
    }

    function getRequest(bytes32 requestId) external view returns (Request memory) {
        _requireKnown(requestId);
        return _requests[requestId];
    }

    /// @notice The request and the index of a slot that has ever been filled.
    function getActiveSlot(bytes32 slotId) external view returns (ActiveSlot memory) {
        SlotRecord storage slot = _slots[slotId];
        if (slot.state == SlotState.Free) revert Marketplace_SlotIsFree();
        return ActiveSlot(_requests[slot.requestId], slot.slotIndex);
    }

    /// @return the host, or zero when there is none
    function getHost(bytes32 slotId) external view returns (address) {
        return _slots[slotId].host;
    }

    /// @return what is left of the collateral; stays after it was paid out
    function currentCollateral(bytes32 slotId) external view returns (uint256) {
        return _slots[slotId].collateral;
    }

    function missingProofs(bytes32 slotId) external view returns (uint64) {
        return _slots[slotId].missed;
    }

    /// @return when the request is cancelled if it has not started, in seconds since 1970; 0 for one that is not known
    function requestExpiry(bytes32 requestId) external view returns (uint64) {
        return _requestRecords[requestId].expiresAt;
    }

    /// @return when the request ends or has ended, in seconds since 1970
    function requestEnd(bytes32 requestId) external view returns (uint64) {
        RequestRecord storage record = _requestRecords[requestId];
        RequestState state = requestState(requestId);
        if (state == RequestState.New || state == RequestState.Started) return record.endsAt;
        if (state == RequestState.Cancelled) return record.expiresAt;
        return block.timestamp < record.endsAt ? uint64(block.timestamp) : record.endsAt;
    }

    function requestState(bytes32 requestId) public view returns (RequestState) {
        RequestRecord storage record = _requestRecords[requestId];
        if (record.endsAt == 0) revert Marketplace_UnknownRequest();
        RequestState state = record.state;
        if (state == RequestState.New && block.timestamp > record.expiresAt) return RequestState.Cancelled;
        bool goesOn = state == RequestState.New || state == RequestState.Started;
        return goesOn && block.timestamp > record.endsAt ? RequestState.Finished : state;
    }

    /// @dev A slot that was never filled stays free, whatever became of its request.
    function slotState(bytes32 slotId) public view returns (SlotState) {
        SlotRecord storage slot = _slots[slotId];
        bytes32 requestId = slot.requestId;
        if (requestId == 0) return SlotState.Free;
        SlotState state = slot.state;
        if (state == SlotState.Paid) return SlotState.Paid;
        RequestState ofRequest = requestState(requestId);
        if (ofRequest == RequestState.Cancelled) return SlotState.Cancelled;
        if (ofRequest == RequestState.Finished) return SlotState.Finished;
        if (ofRequest == RequestState.Failed) return SlotState.Failed;
        return state;
    }

    function _requireKnown(bytes32 requestId) internal view {
        if (_requestRecords[requestId].endsAt == 0) revert Marketplace_UnknownRequest();
    }

    /// @return whether a host may come to the slot
    function _isOpen(bytes32 slotId) internal view returns (bool) {
        SlotState state = slotState(slotId);
        return state == SlotState.Free || state == SlotState.Repair;
    }
}
