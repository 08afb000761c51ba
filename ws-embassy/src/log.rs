//! Logs by `defmt`, where that feature is on; nothing otherwise.

macro_rules! info {
    ($($arg:tt)*) => {{
        #[cfg(feature = "defmt")]
        defmt::info!($($arg)*);
        #[cfg(not(feature = "defmt"))]
        let _ = || { let _ = ($($arg)*); };
    }};
}

pub(crate) use info;
