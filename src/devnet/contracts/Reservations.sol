// SPDX-License-Identifier: MIT OR Apache-2.0
// Who has said that it is about to fill a slot. A reservation costs nothing, binds nobody and never expires.
pragma solidity ^0.8.28;

import {SlotReservationsConfig} from "./Configuration.sol";
import {Records} from "./Records.sol";
import {slotIdOf} from "./Request.sol";

abstract contract Reservations is Records {
    error SlotReservations_ReservationNotAllowed();

    event SlotReservationsFull(bytes32 indexed requestId, uint64 slotIndex);

    /// @dev Reservations are dropped all at once by going on to the next round, in which nobody has any.
    struct Round {
        uint64 number;
        uint8 count;
    }

    uint8 internal immutable _maxReservations;
    mapping(bytes32 slotId => Round) private _rounds;
    mapping(bytes32 slotId => mapping(uint64 round => mapping(address => bool))) private _hasReserved;

    constructor(SlotReservationsConfig memory config) {
        _maxReservations = config.maxReservations;
    }

    /// @notice Needed before a slot can be filled. Not looked at: whether the request and the index exist.
    function reserveSlot(bytes32 requestId, uint64 slotIndex) external {
        if (!canReserveSlot(requestId, slotIndex)) revert SlotReservations_ReservationNotAllowed();
        bytes32 slotId = slotIdOf(requestId, slotIndex);
        Round storage round = _rounds[slotId];
        _hasReserved[slotId][round.number][msg.sender] = true;
        round.count++;
        if (round.count == _maxReservations) emit SlotReservationsFull(requestId, slotIndex);
    }

    /// @return whether the sender could reserve the slot now
    function canReserveSlot(bytes32 requestId, uint64 slotIndex) public view returns (bool) {
        bytes32 slotId = slotIdOf(requestId, slotIndex);
        return _isOpen(slotId) && _rounds[slotId].count < _maxReservations && !_isReservedBy(slotId, msg.sender);
    }

    function _isReservedBy(bytes32 slotId, address host) internal view returns (bool) {
        return _hasReserved[slotId][_rounds[slotId].number][host];
    }

    function _dropReservations(bytes32 slotId) internal {
        Round storage round = _rounds[slotId];
        round.number++;
        round.count = 0;
    }
}
