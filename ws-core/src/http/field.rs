//! The names of fields that are read here, in lower case.

pub(crate) const ACCEPT_ENCODING: &str = "accept-encoding";
pub(crate) const ACCESS_CONTROL_REQUEST_METHOD: &str = "access-control-request-method";
pub(crate) const CONNECTION: &str = "connection";
pub(crate) const CONTENT_LENGTH: &str = "content-length";
pub(crate) const EXPECT: &str = "expect";
pub(crate) const HOST: &str = "host";
pub(crate) const IF_NONE_MATCH: &str = "if-none-match";
pub(crate) const ORIGIN: &str = "origin";
pub(crate) const TRANSFER_ENCODING: &str = "transfer-encoding";
pub(crate) const UPGRADE: &str = "upgrade";
