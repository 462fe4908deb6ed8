// SPDX-License-Identifier: MIT OR Apache-2.0
// A list of ids, each once, in which adding, finding and removing take the same few steps however long it is.
pragma solidity ^0.8.28;

/// @dev The order is that of adding, except that the last id moves into the place of one that is removed.
struct IdSet {
    bytes32[] ids;
    /// @dev The place in `ids`, counted from 1.
    mapping(bytes32 id => uint256) places;
}

library IdSets {
    /// @dev Does nothing when the set has `id`.
    function add(IdSet storage set, bytes32 id) internal {
        if (set.places[id] != 0) return;
        set.ids.push(id);
        set.places[id] = set.ids.length;
    }

    /// @dev Does nothing when the set lacks `id`.
    function remove(IdSet storage set, bytes32 id) internal {
        uint256 place = set.places[id];
        if (place == 0) return;
        bytes32 last = set.ids[set.ids.length - 1];
        if (last != id) {
            set.ids[place - 1] = last;
            set.places[last] = place;
        }
        set.ids.pop();
        delete set.places[id];
    }
}
