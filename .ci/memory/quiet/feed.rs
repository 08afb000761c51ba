//! In place of the events of `device`, with their interface: there are none.

/// There is none.
pub struct Push(());

/// Nor memory for it.
pub struct PushMemory(());

impl PushMemory {
    /// To be put in a `static`.
    pub const fn new() -> Self {
        Self(())
    }
}

/// As in `device`.
pub const SESSIONS: usize = 4;

/// As in `device`.
#[derive(Clone, Copy)]
pub struct Random(pub fn(&mut [u8]));

/// As in `device`.
pub const fn push(_: &'static mut PushMemory, _: Random) -> Push {
    Push(())
}
