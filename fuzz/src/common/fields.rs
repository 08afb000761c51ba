//! Which fields those who read heads keep: what each decides by may stand once, what is a list on any number of lines.

/// Of a server that speaks WebSocket alone.
pub(crate) const SINGLE: [&str; 5] =
    ["host", "sec-websocket-key", "sec-websocket-version", "origin", "content-length"];
/// The lists.
pub(crate) const REPEATED: [&str; 5] =
    ["connection", "upgrade", "sec-websocket-protocol", "sec-websocket-extensions", "transfer-encoding"];

/// Of a server that has pages besides.
pub(crate) const SINGLE_OF_PAGES: [&str; 10] = [
    "host",
    "sec-websocket-key",
    "sec-websocket-version",
    "origin",
    "content-length",
    "content-type",
    "referer",
    "sec-fetch-site",
    "last-event-id",
    "access-control-request-method",
];
/// The lists.
pub(crate) const REPEATED_OF_PAGES: [&str; 8] = [
    "connection",
    "upgrade",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "transfer-encoding",
    "expect",
    "accept-encoding",
    "if-none-match",
];

/// Of a client.
pub(crate) const SINGLE_OF_RESPONSES: [&str; 3] =
    ["sec-websocket-accept", "sec-websocket-protocol", "content-length"];
/// What may stand on several lines.
pub(crate) const REPEATED_OF_RESPONSES: [&str; 8] = [
    "connection",
    "upgrade",
    "sec-websocket-extensions",
    "transfer-encoding",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
];
