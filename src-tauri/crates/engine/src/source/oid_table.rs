//! Object ids numbered in the order they are met: 24 bytes each and no allocation per id.

use std::hash::{BuildHasher, RandomState};

use git2::Oid;

/// The ids, and an open-addressing table from an id to its number.
pub(crate) struct OidTable {
    ids: Vec<[u8; 20]>,
    /// One more than a number; 0 is empty. The length is a power of two, at least twice the number of ids.
    slots: Vec<u32>,
    /// Odd and different in each process, so that nobody can prepare ids that collide.
    factor: u64,
}

impl OidTable {
    pub(crate) fn new() -> Self {
        Self {
            ids: Vec::new(),
            slots: vec![0; 64],
            factor: RandomState::new().hash_one(0) | 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns the id with this number.
    pub(crate) fn id(&self, number: u32) -> Oid {
        // Twenty bytes are always an id.
        Oid::from_bytes(&self.ids[number as usize]).unwrap_or(Oid::ZERO_SHA1)
    }

    pub(crate) fn find(&self, id: Oid) -> Option<u32> {
        let bytes = bytes_of(id);
        match self.slots[self.slot_of(&bytes)] {
            0 => None,
            number => Some(number - 1),
        }
    }

    /// Returns the id's number and whether it is new.
    pub(crate) fn insert(&mut self, id: Oid) -> (u32, bool) {
        let bytes = bytes_of(id);
        let slot = self.slot_of(&bytes);
        if self.slots[slot] != 0 {
            return (self.slots[slot] - 1, false);
        }
        self.ids.push(bytes);
        let number = self.ids.len() as u32;
        self.slots[slot] = number;
        if self.ids.len() * 2 > self.slots.len() {
            self.grow();
        }
        (number - 1, true)
    }

    fn slot_of(&self, bytes: &[u8; 20]) -> usize {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&bytes[..8]);
        let hash = u64::from_le_bytes(prefix).wrapping_mul(self.factor);
        let mask = self.slots.len() - 1;
        let mut slot = (hash >> 32) as usize & mask;
        while self.slots[slot] != 0 && self.ids[self.slots[slot] as usize - 1] != *bytes {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for number in 0..self.ids.len() {
            let slot = self.slot_of(&self.ids[number]);
            self.slots[slot] = number as u32 + 1;
        }
    }
}

fn bytes_of(id: Oid) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_again_by_their_number() {
        let mut table = OidTable::new();
        let ids: Vec<Oid> = (0..1000_u32)
            .map(|n| Oid::hash_object(git2::ObjectType::Blob, &n.to_le_bytes()).unwrap())
            .collect();
        for (number, id) in (0..).zip(&ids) {
            assert_eq!(table.find(*id), None);
            assert_eq!(table.insert(*id), (number, true));
            assert_eq!(table.insert(*id), (number, false));
        }
        assert!(
            (0..)
                .zip(&ids)
                .all(|(number, id)| table.find(*id) == Some(number) && table.id(number) == *id)
        );
    }
}
