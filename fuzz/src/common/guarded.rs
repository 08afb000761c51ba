//! [`Guarded`]: memory to lend, with bytes on both sides that are not lent. Safe code cannot write there, unless it was lent more than
//! it says: the check is of the slices that are handed on.

const GUARD: usize = 32;

/// Memory that serves one execution after the other: nothing is allocated anew.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    cells: Vec<T>,
    guard: [T; GUARD],
    len: usize,
}

impl<T: Copy + PartialEq> Guarded<T> {
    /// For up to `most` cells.
    pub(crate) fn new(most: usize, guard: T) -> Self {
        Self { cells: vec![guard; most + 2 * GUARD], guard: [guard; GUARD], len: 0 }
    }

    /// So many cells, each of which is `fill`, whatever they were before.
    pub(crate) fn lend(&mut self, len: usize, fill: T) -> &mut [T] {
        let (front, rest) = self.cells.split_at_mut(GUARD);
        let (lent, behind) = rest.split_at_mut(len);
        front.copy_from_slice(&self.guard);
        lent.fill(fill);
        behind[..GUARD].copy_from_slice(&self.guard);
        self.len = len;
        lent
    }

    /// What was lent last.
    pub(crate) fn lent(&self) -> &[T] {
        &self.cells[GUARD..GUARD + self.len]
    }

    /// Nothing beside it was written.
    pub(crate) fn assert_intact(&self) {
        let (front, rest) = self.cells.split_at(GUARD);
        let behind = &rest[self.len..self.len + GUARD];
        assert!(front == self.guard && behind == self.guard, "written beside what is lent");
    }
}
