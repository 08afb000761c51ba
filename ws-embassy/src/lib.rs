//! WebSocket (RFC 6455) on microcontrollers; under construction.
#![no_std]
