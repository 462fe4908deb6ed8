// SPDX-License-Identifier: MIT OR Apache-2.0
// The market itself: what clients, hosts and validators do, and the money that moves. Whose turn it is follows from the records.
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {CollateralConfig, MarketplaceConfig, ProofConfig, SlotReservationsConfig} from "./Configuration.sol";
import {Groth16Proof, IGroth16Verifier} from "./Groth16.sol";
import {IdSet, IdSets} from "./IdSet.sol";
import {Proofs} from "./Proofs.sol";
import {Ask, Request, RequestState, SlotState, Terms, slotIdOf} from "./Request.sol";
import {Reservations} from "./Reservations.sol";

/// @title Market of storage: clients ask, hosts fill slots and prove, validators watch
/// @dev Behaves like the deployed marketplace, the order of checks and its quirks included: clients cannot tell them apart.
/// Collateral that a host forfeits stays here for good, except for what a validator or the host that repairs gets of it.
contract Marketplace is Reservations, Proofs {
    using IdSets for IdSet;
    using Terms for Ask;

    error Marketplace_RepairRewardPercentageTooHigh();
    error Marketplace_SlashPercentageTooHigh();
    error Marketplace_MaximumSlashingTooHigh();
    error Marketplace_InvalidClientAddress();
    error Marketplace_RequestAlreadyExists();
    error Marketplace_InvalidExpiry();
    error Marketplace_InsufficientSlots();
    error Marketplace_InvalidMaxSlotLoss();
    error Marketplace_InsufficientDuration();
    error Marketplace_InsufficientProofProbability();
    error Marketplace_InsufficientCollateral();
    error Marketplace_InsufficientReward();
    error Marketplace_InvalidCid();
    error Marketplace_DurationExceedsLimit();
    error Marketplace_InvalidSlot();
    error Marketplace_ReservationRequired();
    error Marketplace_SlotNotFree();
    error Marketplace_StartNotBeforeExpiry();
    error Marketplace_ProofNotSubmittedByHost();
    error Marketplace_InvalidSlotHost();
    error Marketplace_AlreadyPaid();
    error Marketplace_InvalidState();
    error Marketplace_NothingToWithdraw();
    error Marketplace_TransferFailed();

    event StorageRequested(bytes32 requestId, Ask ask, uint64 expiry);
    event RequestFulfilled(bytes32 indexed requestId);
    event RequestFailed(bytes32 indexed requestId);
    event RequestCancelled(bytes32 indexed requestId);
    event SlotFilled(bytes32 indexed requestId, uint64 slotIndex);
    event SlotFreed(bytes32 indexed requestId, uint64 slotIndex);

    IERC20 public immutable token;

    uint8 private immutable _repairRewardPercentage;
    uint8 private immutable _maxNumberOfSlashes;
    uint8 private immutable _slashPercentage;
    uint8 private immutable _validatorRewardPercentage;
    uint64 private immutable _requestDurationLimit;

    constructor(
        MarketplaceConfig memory config,
        IERC20 token_,
        IGroth16Verifier verifier
    ) Reservations(config.reservations) Proofs(config.proofs, verifier) {
        CollateralConfig memory collateral = config.collateral;
        if (collateral.repairRewardPercentage > 100) revert Marketplace_RepairRewardPercentageTooHigh();
        if (collateral.slashPercentage > 100) revert Marketplace_SlashPercentageTooHigh();
        if (collateral.maxNumberOfSlashes * collateral.slashPercentage > 100) revert Marketplace_MaximumSlashingTooHigh();
        token = token_;
        _repairRewardPercentage = collateral.repairRewardPercentage;
        _maxNumberOfSlashes = collateral.maxNumberOfSlashes;
        _slashPercentage = collateral.slashPercentage;
        _validatorRewardPercentage = collateral.validatorRewardPercentage;
        _requestDurationLimit = config.requestDurationLimit;
    }

    function configuration() external view returns (MarketplaceConfig memory) {
        return
            MarketplaceConfig(
                CollateralConfig(
                    _repairRewardPercentage,
                    _maxNumberOfSlashes,
                    _slashPercentage,
                    _validatorRewardPercentage
                ),
                ProofConfig(_secondsPerPeriod, _timeout, _downtime, _downtimeProduct, _zkeyHash),
                SlotReservationsConfig(_maxReservations),
                _requestDurationLimit
            );
    }

    // ---- clients

    /// @notice Asks for storage and pays for all of it in advance.
    function requestStorage(Request calldata request) external {
        bytes32 id = keccak256(abi.encode(request));
        _checkRequest(request, id);
        _requests[id] = request;
        Ask storage ask = _requests[id].ask;
        RequestRecord storage record = _requestRecords[id];
        record.endsAt = _now() + request.ask.duration;
        uint64 expiresAt = _now() + request.expiry;
        record.expiresAt = expiresAt;
        uint256 price = ask.maxPrice();
        record.fundsToReturn = price;
        _requestsOf[msg.sender].add(id);
        _collect(msg.sender, price);
        emit StorageRequested(id, request.ask, expiresAt);
    }

    /// @notice As the other form, to the sender.
    function withdrawFunds(bytes32 requestId) external {
        withdrawFunds(requestId, msg.sender);
    }

    /// @notice Pays out, once, what a request that is over has not cost.
    function withdrawFunds(bytes32 requestId, address withdrawRecipient) public {
        RequestState state = requestState(requestId);
        if (_requests[requestId].client != msg.sender) revert Marketplace_InvalidClientAddress();
        if (state == RequestState.New || state == RequestState.Started) revert Marketplace_InvalidState();
        RequestRecord storage record = _requestRecords[requestId];
        uint256 funds = record.fundsToReturn;
        if (funds == 0) revert Marketplace_NothingToWithdraw();
        if (state == RequestState.Cancelled) {
            emit RequestCancelled(requestId);
            // Of what was set aside for the hosts they get the part before the expiry only.
            funds += record.slotsFilled * _earnings(requestId, record.expiresAt, record.endsAt);
        } else if (state == RequestState.Failed) {
            funds = _requests[requestId].ask.maxPrice();
        }
        record.state = state;
        record.fundsToReturn = 0;
        _requestsOf[msg.sender].remove(requestId);
        _pay(withdrawRecipient, funds);
    }

    // ---- hosts

    /// @notice Takes a slot that the sender has reserved: with a first proof, and with collateral.
    function fillSlot(bytes32 requestId, uint64 slotIndex, Groth16Proof calldata proof) external {
        _requireKnown(requestId);
        Request storage request = _requests[requestId];
        if (slotIndex >= request.ask.slots) revert Marketplace_InvalidSlot();
        bytes32 slotId = slotIdOf(requestId, slotIndex);
        if (!_isReservedBy(slotId, msg.sender)) revert Marketplace_ReservationRequired();
        // The slot itself may never have been filled, and then does not know its request.
        RequestState state = requestState(requestId);
        if ((state != RequestState.New && state != RequestState.Started) || !_isOpen(slotId)) {
            revert Marketplace_SlotNotFree();
        }
        _receiveProof(slotId, request, slotIndex, proof);
        _occupy(requestId, slotId, slotIndex);
    }

    /// @notice Proves that the sender has the slot that it hosts. Counts for the current period.
    function submitProof(bytes32 id, Groth16Proof calldata proof) external {
        SlotRecord storage slot = _slots[id];
        _requireKnown(slot.requestId);
        if (msg.sender != slot.host) revert Marketplace_ProofNotSubmittedByHost();
        _receiveProof(id, _requests[slot.requestId], slot.slotIndex, proof);
    }

    /// @notice As the other form, to the sender.
    function freeSlot(bytes32 slotId) external {
        freeSlot(slotId, msg.sender, msg.sender);
    }

    /// @notice Collects what is due for a slot of a request that is over. BEFORE that it gives the slot up: its collateral is lost, and
    /// all that it has earned.
    function freeSlot(bytes32 slotId, address rewardRecipient, address collateralRecipient) public {
        SlotRecord storage slot = _slots[slotId];
        if (slot.state == SlotState.Free) revert Marketplace_SlotIsFree();
        if (slot.host != msg.sender) revert Marketplace_InvalidSlotHost();
        SlotState state = slotState(slotId);
        if (state == SlotState.Paid) revert Marketplace_AlreadyPaid();
        if (state == SlotState.Filled) {
            _evict(slotId);
            return;
        }
        _slotsOf[msg.sender].remove(slotId);
        if (state == SlotState.Failed) return;
        bytes32 requestId = slot.requestId;
        RequestRecord storage record = _requestRecords[requestId];
        uint64 until = record.expiresAt;
        if (state == SlotState.Finished) {
            until = record.endsAt;
            record.state = RequestState.Finished;
            _requestsOf[_requests[requestId].client].remove(requestId);
        }
        slot.state = SlotState.Paid;
        _pay(rewardRecipient, _earnings(requestId, slot.filledAt, until));
        _pay(collateralRecipient, slot.collateral);
    }

    // ---- validators

    /// @notice Tells that a proof did not come. The sender gets a part of what the host loses.
    function markProofAsMissing(bytes32 slotId, uint64 period) external {
        _markMissing(slotId, period);
        SlotRecord storage slot = _slots[slotId];
        uint64 missed = slot.missed + 1;
        slot.missed = missed;
        uint256 slashed = (_requests[slot.requestId].ask.slotCollateral() * _slashPercentage) / 100;
        _pay(msg.sender, (slashed * _validatorRewardPercentage) / 100);
        slot.collateral -= slashed;
        if (missed >= _maxNumberOfSlashes) _evict(slotId);
    }

    // ---- what they have in common

    /// @dev The first check that fails names the error; clients rely on the order.
    function _checkRequest(Request calldata request, bytes32 id) private view {
        Ask calldata ask = request.ask;
        if (request.client != msg.sender) revert Marketplace_InvalidClientAddress();
        if (_requestRecords[id].endsAt != 0) revert Marketplace_RequestAlreadyExists();
        if (request.expiry == 0 || request.expiry >= ask.duration) revert Marketplace_InvalidExpiry();
        if (ask.slots == 0) revert Marketplace_InsufficientSlots();
        if (ask.maxSlotLoss > ask.slots) revert Marketplace_InvalidMaxSlotLoss();
        if (ask.duration == 0) revert Marketplace_InsufficientDuration();
        if (ask.proofProbability == 0) revert Marketplace_InsufficientProofProbability();
        if (ask.collateralPerByte == 0) revert Marketplace_InsufficientCollateral();
        if (ask.pricePerBytePerSecond == 0) revert Marketplace_InsufficientReward();
        if (request.content.cid.length == 0) revert Marketplace_InvalidCid();
        if (ask.duration > _requestDurationLimit) revert Marketplace_DurationExceedsLimit();
    }

    /// @dev The sender becomes the host of a slot that is open.
    function _occupy(bytes32 requestId, bytes32 slotId, uint64 slotIndex) private {
        SlotRecord storage slot = _slots[slotId];
        RequestRecord storage record = _requestRecords[requestId];
        Ask storage ask = _requests[requestId].ask;
        record.fundsToReturn -= _earnings(requestId, _now(), record.endsAt);
        uint64 filled = record.slotsFilled + 1;
        record.slotsFilled = filled;
        uint256 collateral = ask.slotCollateral();
        uint256 due = collateral;
        if (slot.state == SlotState.Repair) due -= (collateral * _repairRewardPercentage) / 100;
        slot.requestId = requestId;
        slot.host = msg.sender;
        slot.filledAt = _now();
        slot.state = SlotState.Filled;
        slot.slotIndex = slotIndex;
        slot.collateral = collateral;
        _slotsOf[msg.sender].add(slotId);
        _collect(msg.sender, due);
        emit SlotFilled(requestId, slotIndex);
        if (filled == ask.slots && record.state == RequestState.New) {
            record.state = RequestState.Started;
            emit RequestFulfilled(requestId);
        }
    }

    /// @dev Takes a filled slot from its host, who gets nothing. What it would have earned goes back to the client.
    function _evict(bytes32 slotId) internal {
        SlotRecord storage slot = _slots[slotId];
        bytes32 requestId = slot.requestId;
        uint64 slotIndex = slot.slotIndex;
        RequestRecord storage record = _requestRecords[requestId];
        record.fundsToReturn += _earnings(requestId, slot.filledAt, record.endsAt);
        uint64 filled = record.slotsFilled - 1;
        record.slotsFilled = filled;
        _slotsOf[slot.host].remove(slotId);
        _dropReservations(slotId);
        slot.host = address(0);
        slot.filledAt = 0;
        slot.state = SlotState.Repair;
        slot.missed = 0;
        slot.collateral = 0;
        emit SlotFreed(requestId, slotIndex);
        Ask storage ask = _requests[requestId].ask;
        if (record.state == RequestState.Started && ask.slots - filled > ask.maxSlotLoss) {
            record.state = RequestState.Failed;
            record.endsAt = _now() - 1;
            emit RequestFailed(requestId);
        }
    }

    /// @return what one slot earns from `start` to `end`
    function _earnings(bytes32 requestId, uint64 start, uint64 end) private view returns (uint256) {
        if (start >= end) revert Marketplace_StartNotBeforeExpiry();
        return (end - start) * _requests[requestId].ask.slotPrice();
    }

    function _collect(address from, uint256 amount) private {
        if (!token.transferFrom(from, address(this), amount)) revert Marketplace_TransferFailed();
    }

    function _pay(address to, uint256 amount) private {
        if (!token.transfer(to, amount)) revert Marketplace_TransferFailed();
    }
}
