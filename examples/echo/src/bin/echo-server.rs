//! Echo server; to come with the adapter.

fn main() {}
