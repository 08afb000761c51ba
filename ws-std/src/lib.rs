//! WebSocket on `std` sockets.
