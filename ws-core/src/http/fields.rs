//! The fields of a head that was read: [`Fields`].

use crate::bytes::ascii::{self, split_once, trim};

/// The fields that were kept, in order: names in lower case, and values as they came, without the white space around
/// them.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub(super) rest: &'a [u8],
}

/// Their names, without values, which may be secret.
impl core::fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.map(|(name, _)| name)).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Fields<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Fields({} B)", self.rest.len());
    }
}

impl<'a> Fields<'a> {
    /// The first field of that name (in lower case) whose value is UTF-8.
    pub fn first(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All fields of that name (in lower case) whose value is UTF-8.
    pub fn all(mut self, name: &str) -> impl Iterator<Item = &'a str> {
        core::iter::from_fn(move || self.next_of(name.as_bytes()))
            .filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// The value of the first field of that name.
    pub(crate) fn find(mut self, name: &str) -> Option<&'a [u8]> {
        self.next_of(name.as_bytes())
    }

    /// The value of the next field of that name.
    pub(crate) fn next_of(&mut self, name: &[u8]) -> Option<&'a [u8]> {
        loop {
            let (field, rest) = split_once(self.rest, b'\n')?;
            self.rest = rest;
            if let Some([b':', value @ ..]) = field.strip_prefix(name) {
                return Some(trim(value));
            }
        }
    }

    /// One of the elements of the field `name`, which is a list, is `word` (in lower case).
    pub(crate) fn has_word(mut self, name: &str, word: &[u8]) -> bool {
        while let Some(line) = self.next_of(name.as_bytes()) {
            if ascii::list(line).any(|element| element.eq_ignore_ascii_case(word)) {
                return true;
            }
        }
        false
    }

    fn next_field(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (field, rest) = split_once(self.rest, b'\n')?;
        self.rest = rest;
        let (name, value) = split_once(field, b':')?;
        Some((name, trim(value)))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.next_field()?;
        Some((core::str::from_utf8(name).unwrap_or_default(), value))
    }
}
