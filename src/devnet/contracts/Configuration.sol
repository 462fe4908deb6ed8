// SPDX-License-Identifier: MIT OR Apache-2.0
// What is fixed when a marketplace is deployed. Percentages are whole, spans are seconds.
pragma solidity ^0.8.28;

struct MarketplaceConfig {
    CollateralConfig collateral;
    ProofConfig proofs;
    SlotReservationsConfig reservations;
    /// @dev The longest that a request may last.
    uint64 requestDurationLimit;
}

struct CollateralConfig {
    /// @dev Of the collateral, which who repairs a slot need not put in.
    uint8 repairRewardPercentage;
    /// @dev With so many missing proofs a host loses its slot.
    uint8 maxNumberOfSlashes;
    /// @dev Of the collateral, lost with each missing proof.
    uint8 slashPercentage;
    /// @dev Of what is lost, paid to who noticed.
    uint8 validatorRewardPercentage;
}

struct ProofConfig {
    uint64 period;
    /// @dev How long after a period its missing proofs may be marked.
    uint64 timeout;
    /// @dev Of 256 pointers, the number for which no proof is due.
    uint8 downtime;
    /// @dev How far the pointer moves from one period to the next.
    uint8 downtimeProduct;
    /// @dev Names the circuit's files; the contract does not read it.
    string zkeyHash;
}

struct SlotReservationsConfig {
    /// @dev For one slot.
    uint8 maxReservations;
}
