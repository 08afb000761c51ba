//! [`EventSource`]: what a browser makes of a whole event stream (WHATWG HTML 9.2.6), read line by line; in bytes, as what is no
//! UTF-8 is for whoever compares to judge.

/// What outlives a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSource {
    pub(crate) id: Vec<u8>,
    /// The digits of the time that was told last.
    pub(crate) retry: Option<Vec<u8>>,
}

/// An event that has come to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dispatched {
    pub(crate) kind: Vec<u8>,
    pub(crate) data: Vec<u8>,
    /// The id that holds from here on.
    pub(crate) id: Vec<u8>,
    /// The last of its lines with an id has one that is too long.
    pub(crate) has_long_id: bool,
}

impl EventSource {
    /// The events of a stream, where an id of more than `id_max` bytes, or one that is no UTF-8, does not count.
    pub(crate) fn read(&mut self, stream: &[u8], id_max: usize) -> Vec<Dispatched> {
        let mut rest = stream.strip_prefix("\u{feff}".as_bytes()).unwrap_or(stream);
        let (mut all, mut event, mut id) = (Vec::new(), Dispatched::default(), self.id.clone());
        while let Some(len) = rest.iter().position(|b| matches!(b, b'\r' | b'\n')) {
            let (line, end) = rest.split_at(len);
            rest = end.strip_prefix(b"\r\n").unwrap_or(&end[1..]);
            if line.is_empty() {
                self.id.clone_from(&id);
                let Dispatched { kind, mut data, has_long_id, .. } = std::mem::take(&mut event);
                if data.pop().is_some() {
                    let kind = if kind.is_empty() { b"message".to_vec() } else { kind };
                    all.push(Dispatched { kind, data, id: id.clone(), has_long_id });
                }
                continue;
            }
            let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
            let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match name {
                b"event" => event.kind = value.to_vec(),
                b"data" => event.data.extend(value.iter().chain(b"\n")),
                b"id" if value.contains(&0) => {}
                b"id" if value.len() > id_max => event.has_long_id = true,
                b"id" if std::str::from_utf8(value).is_ok() => {
                    id = value.to_vec();
                    event.has_long_id = false;
                }
                b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                    self.retry = Some(value.to_vec());
                }
                _ => {}
            }
        }
        all
    }

    /// The time that was told last, in milliseconds, as far as it can be counted.
    pub(crate) fn retry_millis(&self) -> Option<u32> {
        let digits = std::str::from_utf8(self.retry.as_ref()?).unwrap();
        Some(digits.parse::<u128>().map_or(u32::MAX, |n| n.try_into().unwrap_or(u32::MAX)))
    }
}
