//! The application that every board runs; under construction.
#![no_std]
