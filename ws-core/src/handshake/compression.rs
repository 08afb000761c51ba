//! How compression is offered and agreed on in `Sec-WebSocket-Extensions` (RFC 7692 5.1). What the parameters mean is
//! [`negotiate`](crate::deflate::negotiate)'s.
//!
//! What is needed only once there is something to offer stands behind pointers to functions, so that an image without
//! compression links none of it.

use super::client::Error;
use super::{extensions, field};
use crate::deflate::negotiate::{Agreement, Declined, NAME, Parameters, Terms, Value};
use crate::http::Fields;
use crate::http::pieces::Pieces;

/// The server's choice: the first offer that goes with `terms`; else why the last one does not.
pub(super) fn choose(fields: Fields<'_>, terms: &Terms) -> Result<Agreement, Option<Declined>> {
    let mut declined = None;
    for offer in fields.all(field::EXTENSIONS).flat_map(extensions::offers).flatten() {
        if offer.name == NAME {
            match terms.accept(params(&offer)) {
                Ok(agreement) => return Ok(agreement),
                Err(why) => declined = Some(why),
            }
        }
    }
    Err(declined)
}

/// What a server says.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) agreement: Agreement,
    put: fn(&mut Pieces<'_, '_>, &Parameters),
}

impl Answer {
    pub(super) const fn new(agreement: Agreement) -> Self {
        Self { agreement, put }
    }

    /// Writes the field.
    pub(super) fn put(&self, pieces: &mut Pieces<'_, '_>) {
        (self.put)(pieces, &self.agreement.answer);
    }
}

/// What a client offers.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    terms: Terms,
    how: &'static How,
    /// What the server agreed on.
    pub(super) agreement: Option<Agreement>,
}

struct How {
    put: fn(&mut Pieces<'_, '_>, &Terms),
    confirm: fn(Fields<'_>, &Terms) -> Result<Option<Agreement>, Error>,
}

impl Offer {
    pub(super) const fn new(terms: Terms) -> Self {
        Self { terms, how: &How { put: put_offer, confirm }, agreement: None }
    }

    /// Writes the field.
    pub(super) fn put(&self, pieces: &mut Pieces<'_, '_>) {
        (self.how.put)(pieces, &self.terms);
    }

    /// Whether the client can live with the answer.
    pub(super) fn confirm(&mut self, fields: Fields<'_>) -> Result<(), Error> {
        self.agreement = (self.how.confirm)(fields, &self.terms)?;
        Ok(())
    }
}

fn put_offer(pieces: &mut Pieces<'_, '_>, terms: &Terms) {
    put(pieces, &terms.offer());
}

fn put(pieces: &mut Pieces<'_, '_>, parameters: &Parameters) {
    pieces.put(b"Sec-WebSocket-Extensions: ").put(NAME.as_bytes());
    for (name, value) in parameters.iter() {
        pieces.put(b"; ").put(name.as_bytes());
        if let Some(bits) = value {
            pieces.put(b"=").put_decimal(bits.into());
        }
    }
    pieces.put(b"\r\n");
}

/// `None`: the server agreed on nothing.
fn confirm(fields: Fields<'_>, terms: &Terms) -> Result<Option<Agreement>, Error> {
    // Also of what is no text, which the loop below would not see (RFC 6455 9.1).
    if !extensions::are_offers(fields) {
        return Err(Error::Extension);
    }
    let mut agreement = None;
    for answer in fields.all(field::EXTENSIONS).flat_map(extensions::offers).flatten() {
        if answer.name != NAME || agreement.is_some() {
            return Err(Error::Extension);
        }
        agreement = Some(terms.confirm(params(&answer)).map_err(Error::Compression)?);
    }
    Ok(agreement)
}

fn params<'a>(offer: &extensions::Offer<'a>) -> impl Iterator<Item = (&'a str, Option<Value>)> {
    offer.params().map(|param| (param.name, param.value.map(|value| value.decimal())))
}
