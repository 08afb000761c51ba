//! How fast masked messages are received: `bench [--check] [--slack PERCENT] [--seconds S]`.
//!
//! The stream of a client is handed out in reads of 16 KiB and decoded by each row in turn, in many short rounds. A
//! row's figure is its fastest round, so that what else runs on the machine matters little; figures of one run are
//! compared with each other, never with another run's.
//!
//! This file measures, prints and judges; `stream.rs` makes what is decoded, `decoders.rs` decodes it.

mod decoders;
mod stream;

use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use decoders::{Decoder, Sink};
use stream::{Content, Reads, Stream};

const SIZES: [(usize, &str); 5] =
    [(16, "16 B"), (125, "125 B"), (1024, "1 KiB"), (64 * 1024, "64 KiB"), (LARGEST, "1 MiB")];
const LARGEST: usize = 1024 * 1024;
const CONTENTS: [(Content, &str); 3] =
    [(Content::Binary, "binary"), (Content::Ascii, "ASCII text"), (Content::Cjk, "CJK text")];

/// The bounds of `--check`; the third is that no other decoder is as fast, in any column but CJK, which is information.
const OF_LIMIT: f64 = 1.3;
const TEXT_OF_BINARY: f64 = 1.3;
/// From this size on a message is measured against the limit: below, its header is most of the work.
const LIMIT_FROM: usize = 1024;
/// The same of text, of which the limit checks nothing: at 1 KiB it takes 1.29 times the limit on one processor and 1.54 times on another,
/// and is measured against binary alone.
const TEXT_LIMIT_FROM: usize = 64 * 1024;
/// How often a column that fails is given as many rounds again before it is judged.
const RETRIES: usize = 4;

/// A row of the table, and how it is made for a stream.
struct Row {
    name: &'static str,
    checks_utf8: bool,
    make: fn(Rc<Stream>) -> Pass,
}

/// Decodes the stream once. What does not check UTF-8 takes no part in text.
type Pass = Box<dyn FnMut()>;

const LIMIT: usize = 0;
const OURS: usize = 1;
const ROWS: [Row; 8] = [
    Row { name: "limit", checks_utf8: false, make: make::<decoders::Limit> },
    Row { name: "ws-core", checks_utf8: true, make: checked::<decoders::Ours> },
    Row { name: "websocket-sans-io", checks_utf8: false, make: checked::<decoders::WebsocketSansIo> },
    Row { name: "embedded-websocket", checks_utf8: false, make: checked::<decoders::EmbeddedWebsocket> },
    Row { name: "sockudo-ws", checks_utf8: true, make: checked::<decoders::SockudoWs> },
    Row { name: "fastwebsockets", checks_utf8: true, make: checked::<decoders::Fastwebsockets> },
    Row { name: "tungstenite", checks_utf8: true, make: checked::<decoders::Tungstenite> },
    Row { name: "edge-ws", checks_utf8: false, make: checked::<decoders::EdgeWs> },
];

fn main() -> ExitCode {
    let (mut check, mut slack) = (false, 1.0);
    let mut seconds = 0.6;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.len()) {
            ("--check", _) => check = true,
            ("--slack", 1..) => match args.next().unwrap_or_default().parse::<f64>() {
                Ok(percent) => slack = 1.0 + percent / 100.0,
                Err(_) => return usage(),
            },
            ("--seconds", 1..) => match args.next().unwrap_or_default().parse() {
                Ok(s) => seconds = s,
                Err(_) => return usage(),
            },
            _ => return usage(),
        }
    }

    let mut columns: Vec<Column> = Vec::new();
    for (content, _) in CONTENTS {
        for (size, _) in SIZES {
            columns.push(Column::new(content, size));
        }
    }
    let total = columns.len();
    for (i, column) in columns.iter_mut().enumerate() {
        eprint!("\r\x1b[Kmeasuring {} ({}/{total})", column.name(), i + 1);
        column.measure(seconds);
    }
    let mut failed = failures(&columns, slack);
    for retry in 1..=if check { RETRIES } else { 0 } {
        for (i, column) in columns.iter_mut().enumerate() {
            if failed.iter().any(|f| f.columns.contains(&i)) {
                eprint!("\r\x1b[Kmeasuring {} again ({retry}/{RETRIES})", column.name());
                column.measure(seconds);
            }
        }
        failed = failures(&columns, slack);
    }
    eprintln!("\r\x1b[K");

    for (content, name) in CONTENTS {
        print_table(name, columns.iter().filter(|c| c.content == content));
    }
    print_text_ratios(&columns);
    for failure in &failed {
        println!("FAILED {}", failure.why);
    }
    if failed.is_empty() {
        println!("all bounds are met");
    }
    if check && !failed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: bench [--check] [--slack PERCENT] [--seconds S]\n\n\
         --check           fail if a bound is missed\n\
         --slack PERCENT   by how much it may be\n\
         --seconds S       how long a column is measured"
    );
    ExitCode::from(2)
}

/// Messages of one content and size, and the best time of each row for a pass over them.
struct Column {
    content: Content,
    size: usize,
    stream: Rc<Stream>,
    rows: Vec<Option<(Pass, Duration)>>,
}

impl Column {
    fn new(content: Content, size: usize) -> Self {
        let stream = Rc::new(Stream::new(content, size));
        let takes_part = |i: usize, row: &Row| content == Content::Binary || row.checks_utf8 || i == LIMIT;
        let rows = ROWS
            .iter()
            .enumerate()
            .map(|(i, row)| takes_part(i, row).then(|| ((row.make)(Rc::clone(&stream)), Duration::MAX)));
        Self { content, size, rows: rows.collect(), stream }
    }

    fn name(&self) -> String {
        let size = SIZES.iter().find(|s| s.0 == self.size).map_or("", |s| s.1);
        let content = CONTENTS.iter().find(|c| c.0 == self.content).map_or("", |c| c.1);
        format!("{size} {content}")
    }

    /// Rounds of one short turn a row, for `seconds`.
    fn measure(&mut self, seconds: f64) {
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < seconds {
            for (pass, best) in self.rows.iter_mut().flatten() {
                pass(); // brings code and stream back into the caches
                for _ in 0..4 {
                    let begin = Instant::now();
                    pass();
                    *best = begin.elapsed().min(*best);
                }
            }
        }
    }

    /// Nanoseconds a message.
    fn ns(&self, row: usize) -> Option<f64> {
        let (_, best) = self.rows[row].as_ref()?;
        Some(best.as_secs_f64() * 1e9 / self.stream.messages as f64)
    }

    fn of_limit(&self) -> f64 {
        self.ns(OURS).unwrap_or(f64::NAN) / self.ns(LIMIT).unwrap_or(f64::NAN)
    }
}

/// Counts; the payload is taken as used.
#[derive(Default)]
struct Count {
    bytes: usize,
}

impl Sink for Count {
    #[inline]
    fn piece(&mut self, payload: &[u8], last: bool) {
        self.bytes += payload.len();
        black_box((payload.as_ptr(), last));
    }
}

/// Keeps everything.
#[derive(Default)]
struct Keep {
    plain: Vec<u8>,
    messages: u64,
}

impl Sink for Keep {
    fn piece(&mut self, payload: &[u8], last: bool) {
        self.plain.extend_from_slice(payload);
        self.messages += u64::from(last);
    }
}

fn make<D: Decoder + 'static>(stream: Rc<Stream>) -> Pass {
    let mut decoder = D::new(Reads::new(Rc::clone(&stream)), stream.messages);
    Box::new(move || {
        let mut count = Count::default();
        decoder.pass(&mut count);
        assert!(count.bytes >= stream.plain.len());
    })
}

/// As [`make`], for what must deliver every message as it was sent.
fn checked<D: Decoder + 'static>(stream: Rc<Stream>) -> Pass {
    let mut decoder = D::new(Reads::new(Rc::clone(&stream)), stream.messages);
    let mut kept = Keep::default();
    decoder.pass(&mut kept);
    assert!(kept.plain == stream.plain && kept.messages == stream.messages);
    make::<D>(stream)
}

/// A bound that is not met, and the columns that show it.
struct Failure {
    columns: Vec<usize>,
    why: String,
}

/// `slack`: by how much a bound may be missed, for machines that do other things meanwhile.
fn failures(columns: &[Column], slack: f64) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (i, column) in columns.iter().enumerate().filter(|(_, c)| c.content != Content::Cjk) {
        let mut fail = |why| failures.push(Failure { columns: vec![i], why });
        let ours = column.ns(OURS).unwrap_or(f64::NAN);
        for (row, other) in ROWS.iter().enumerate().skip(OURS + 1) {
            if let Some(ns) = column.ns(row).filter(|ns| *ns * slack <= ours) {
                fail(format!("{}: {} takes {:.3} of our time", column.name(), other.name, ns / ours));
            }
        }
        let from = if column.content == Content::Binary { LIMIT_FROM } else { TEXT_LIMIT_FROM };
        if column.size >= from && column.of_limit() > OF_LIMIT * slack {
            fail(format!("{}: {:.2} times the limit", column.name(), column.of_limit()));
        }
    }
    for (size, name) in SIZES.into_iter().filter(|(size, _)| *size >= LIMIT_FROM) {
        let text = text_of_binary(columns, size);
        if text > TEXT_OF_BINARY * slack {
            let same = columns.iter().enumerate().filter(|(_, c)| c.size == size).map(|(i, _)| i);
            let why = format!("{name} text: {text:.2} times binary");
            failures.push(Failure { columns: same.collect(), why });
        }
    }
    failures
}

/// How much longer ASCII text of this size takes us than binary.
fn text_of_binary(columns: &[Column], size: usize) -> f64 {
    let ns = |content| {
        let column = columns.iter().find(|c| c.content == content && c.size == size);
        column.and_then(|c| c.ns(OURS)).unwrap_or(f64::NAN)
    };
    ns(Content::Ascii) / ns(Content::Binary)
}

fn print_table<'a>(name: &str, columns: impl Iterator<Item = &'a Column> + Clone) {
    println!("{name}: ns a message (GB/s of payload)\n");
    let sizes: String = SIZES.iter().map(|(_, name)| format!(" {name:>17} |")).collect();
    println!("| {:<18} |{sizes}\n| --- |{}", "decoder", " ---: |".repeat(SIZES.len()));
    for (row, Row { name, .. }) in ROWS.iter().enumerate() {
        if columns.clone().all(|c| c.ns(row).is_none()) {
            continue;
        }
        print!("| {name:<18} |");
        for column in columns.clone() {
            match column.ns(row) {
                Some(ns) => print!(" {ns:>10.1} ({:>4.1}) |", column.size as f64 / ns),
                None => print!(" {:>17} |", "-"),
            }
        }
        println!();
    }
    print!("| {:<18} |", "ws-core / limit");
    for column in columns {
        print!(" {:>17.2} |", column.of_limit());
    }
    println!("\n");
}

fn print_text_ratios(columns: &[Column]) {
    let ratios = SIZES.map(|(size, name)| format!("{:.2} at {name}", text_of_binary(columns, size)));
    println!("ws-core, ASCII text / binary: {}", ratios.join(", "));
}
