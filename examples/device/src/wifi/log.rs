//! Logs by `defmt`, where that feature is on; nothing otherwise.

macro_rules! info {
    ($($arg:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::info!($($arg)*);
        #[cfg(not(feature = "defmt"))]
        let _ = || { let _ = ($($arg)*); };
    }};
}

// Not `warn`, which is an attribute's name too.
macro_rules! warning {
    ($($arg:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::warn!($($arg)*);
        #[cfg(not(feature = "defmt"))]
        let _ = || { let _ = ($($arg)*); };
    }};
}

pub(super) use {info, warning};
