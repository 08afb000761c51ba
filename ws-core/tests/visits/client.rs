//! What clients make of the bytes: [`Answer`], one response, and the events in it, told apart without the library.

/// A response as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head: String,
    /// Without chunks.
    pub(crate) body: String,
    /// It has ended.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head["HTTP/1.1 ".len()..][..3].parse().expect("a status")
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The responses in `bytes`, to requests that were not HEAD. Anything else between them is a failure.
pub(crate) fn answers(bytes: &[u8]) -> Vec<Answer> {
    let mut rest = std::str::from_utf8(bytes).expect("text");
    let mut all = Vec::new();
    while !rest.is_empty() {
        let Some((head, behind)) = rest.split_once("\r\n\r\n") else { break };
        assert!(head.starts_with("HTTP/1.1 "), "no response begins like {head:?}");
        let mut answer = Answer { head: format!("{head}\r\n"), body: String::new(), is_whole: true };
        rest = behind;
        if matches!(answer.status(), 100 | 204) {
        } else if answer.field("Transfer-Encoding") == Some("chunked") {
            answer.is_whole = unchunk(&mut rest, &mut answer.body);
        } else if let Some(len) = answer.field("Content-Length") {
            let len: usize = len.parse().expect("a length");
            answer.is_whole = rest.len() >= len;
            let (body, behind) = rest.split_at(len.min(rest.len()));
            answer.body = body.to_owned();
            rest = behind;
        } else {
            assert_eq!(answer.field("Connection"), Some("close"), "{head}");
            answer.is_whole = false;
            answer.body = std::mem::take(&mut rest).to_owned();
        }
        all.push(answer);
    }
    all
}

/// Takes chunks from `rest`. `true`: the last one too.
fn unchunk(rest: &mut &str, body: &mut String) -> bool {
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(size, 16).expect("a size in hexadecimal");
        assert!(size.len() == 4 || size == "0", "a size of {size}");
        if behind.len() < len + 2 {
            body.push_str(&behind[..len.min(behind.len())]);
            break;
        }
        body.push_str(&behind[..len]);
        assert_eq!(&behind[len..len + 2], "\r\n", "behind a chunk");
        *rest = &behind[len + 2..];
        if len == 0 {
            return true;
        }
    }
    *rest = "";
    false
}

/// The events in the body of an answer, in JSON, which came whole.
pub(crate) fn events(answer: &Answer) -> Vec<String> {
    let body = answer.body.as_str();
    let content_type = answer.field("Content-Type").unwrap_or_default();
    let lines = |text: &str| -> Vec<String> {
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| line.trim_end().into())
            .collect()
    };
    let is_event = |line: &String| line.starts_with('{');
    match content_type {
        "text/event-stream" => {
            let whole = body.rfind("\n\n").map_or("", |end| &body[..end + 2]);
            lines(whole).iter().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
        }
        "text/plain; charset=utf-8" => lines(body).into_iter().filter(is_event).collect(),
        "text/html; charset=utf-8" => {
            let script = |line: &String| {
                Some(line.strip_prefix("<script>parent.fn(")?.strip_suffix(")</script>")?.to_owned())
            };
            lines(body).iter().filter_map(script).collect()
        }
        "multipart/x-mixed-replace; boundary=frame" => {
            let (whole, _) = body.rsplit_once("--frame\r\n").unwrap_or_default();
            lines(whole).into_iter().filter(is_event).collect()
        }
        "application/json" if answer.is_whole => listed(body),
        "text/javascript; charset=utf-8" if answer.is_whole => {
            let call = body.strip_prefix("/**/fn(").and_then(|rest| rest.strip_suffix(");"));
            listed(call.expect("a call"))
        }
        _ => Vec::new(),
    }
}

/// The events of an answer to a poll; none in an ack.
fn listed(text: &str) -> Vec<String> {
    let Some((next, list)) = text.split_once(",\"events\":[") else { return Vec::new() };
    assert!(next.starts_with("{\"next\":\""), "{text}");
    let list = list.strip_suffix("]}").expect("a list");
    // No message of the tests has braces in it.
    let list = list.replace("},{", "}\n{");
    list.lines().map(str::to_owned).collect()
}

/// The string behind `name` in an event.
pub(crate) fn member<'e>(event: &'e str, name: &str) -> Option<&'e str> {
    let (_, rest) = event.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
