//! How fast messages are inflated: `inflate [--check] [--slack PERCENT] [--seconds S]`.
//!
//! JSON, HTML and prose, as one stream of 32 KiB reads each and as messages of about 600 bytes with context takeover, all
//! compressed by zlib at level 6. Each row goes through them in turn, in many short rounds; its figure is its fastest
//! round, and is compared with the others of the same run only. `decoders.rs` has the rows.

#[path = "../corpus.rs"]
mod corpus;
mod decoders;
#[path = "../telemetry.rs"]
mod telemetry;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use decoders::Decoder;
use flate2::{Compress, Compression, FlushCompress};

const TOTAL: usize = 1 << 20;
/// Of HTML and prose; those of JSON have their own sizes.
const MESSAGE: usize = 600;
/// A stream comes in reads of this size.
const READ: usize = 32 * 1024;

const FAST: usize = 0;
/// The bounds of `--check`: our speed to that of a row, on streams and on messages. A stream is one message to sockudo-ws, and
/// inflated into one buffer as long as all of it, where ours lends it out of a window of 32 KiB.
const BOUNDS: [(usize, f64, f64); 3] = [(3, 1.0, 0.9), (4, 1.0, 1.0), (5, 0.9, 1.0)];
const ROWS: [(&str, fn() -> Box<dyn Decoder>); 6] = [
    ("ws-core, fast", decoders::fast),
    ("ws-core, fast, 64 KiB", decoders::fast_wide),
    ("ws-core, small", decoders::small),
    ("zlib-rs", decoders::zlib_rs),
    ("miniz_oxide", decoders::miniz_oxide),
    ("sockudo-ws", decoders::sockudo_ws),
];

/// What is inflated, and the best time of each row.
struct Column {
    name: String,
    is_stream: bool,
    input: Input,
    best: [Duration; ROWS.len()],
}

/// Messages, their tails not yet removed, and what they are.
struct Input {
    messages: Vec<Vec<u8>>,
    plain: Vec<u8>,
}

fn main() -> ExitCode {
    let (mut check, mut slack, mut seconds) = (false, 1.0, 2.0);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
        match arg.as_str() {
            "--check" => check = true,
            "--slack" => slack = 1.0 + number(args.next()).unwrap_or_else(usage) / 100.0,
            "--seconds" => seconds = number(args.next()).unwrap_or_else(usage),
            _ => usage(),
        }
    }
    let mut columns = columns();
    for column in &mut columns {
        column.measure(seconds);
    }
    print(&columns);
    let failures: Vec<String> = columns.iter().flat_map(|column| column.failures(slack)).collect();
    for failure in &failures {
        println!("FAILED {failure}");
    }
    if failures.is_empty() {
        println!("all bounds are met");
    }
    if check && !failures.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn usage<T>() -> T {
    eprintln!("usage: inflate [--check] [--slack PERCENT] [--seconds S]");
    std::process::exit(2)
}

fn columns() -> Vec<Column> {
    let json = telemetry::messages(TOTAL);
    let cut = |text: Vec<u8>| text.chunks(MESSAGE).map(<[u8]>::to_vec).collect();
    let all: [(&str, Vec<Vec<u8>>); 3] =
        [("JSON", json), ("HTML", cut(corpus::html(TOTAL))), ("prose", cut(corpus::prose(TOTAL)))];
    let mut columns = Vec::new();
    for is_stream in [true, false] {
        for (name, messages) in &all {
            let (name, input) = match is_stream {
                true => (format!("{name} stream"), Input::new(&[messages.concat()])),
                false => (format!("{name} messages"), Input::new(messages)),
            };
            columns.push(Column { name, is_stream, input, best: [Duration::MAX; ROWS.len()] });
        }
    }
    columns
}

impl Input {
    fn new(plain: &[Vec<u8>]) -> Self {
        let mut zlib = Compress::new(Compression::new(6), false);
        let mut messages = Vec::new();
        for plain in plain {
            let mut message = Vec::with_capacity(plain.len() * 2 + 100);
            zlib.compress_vec(plain, &mut message, FlushCompress::Sync).expect("it compresses");
            messages.push(message);
        }
        Self { messages, plain: plain.concat() }
    }
}

impl Column {
    fn measure(&mut self, seconds: f64) {
        let mut decoders = ROWS.map(|(_, make)| make());
        for (decoder, (name, _)) in decoders.iter_mut().zip(ROWS) {
            let mut out = Vec::new();
            decoder.pass(&self.input.messages, &mut |bytes| out.extend_from_slice(bytes));
            assert!(out == self.input.plain, "{name} inflates {} to something else", self.name);
        }
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < seconds {
            for (decoder, best) in decoders.iter_mut().zip(&mut self.best) {
                let (begin, mut len) = (Instant::now(), 0);
                decoder.pass(&self.input.messages, &mut |bytes| len += black_box(bytes).len());
                *best = begin.elapsed().min(*best);
                assert_eq!(len, self.input.plain.len());
            }
        }
    }

    /// Megabytes of output a second.
    fn speed(&self, row: usize) -> f64 {
        self.input.plain.len() as f64 / self.best[row].as_secs_f64() / 1e6
    }

    fn failures(&self, slack: f64) -> Vec<String> {
        let mut failures = Vec::new();
        for (row, stream, message) in BOUNDS {
            let of = self.speed(FAST) / self.speed(row);
            let least = if self.is_stream { stream } else { message };
            if of * slack < least {
                failures.push(format!("{}: {of:.2} of {}, at least {least}", self.name, ROWS[row].0));
            }
        }
        failures
    }
}

fn print(columns: &[Column]) {
    let line = |first: &str, cell: &dyn Fn(&Column) -> String| {
        let cells: String = columns.iter().map(|column| format!(" {:>15} |", cell(column))).collect();
        println!("| {first:<22} |{cells}");
    };
    println!("MB of output a second, and what ours, fast, is to the others\n");
    line("", &|column| column.name.clone());
    line("---", &|_| "---:".into());
    for (row, (name, _)) in ROWS.iter().enumerate() {
        line(name, &|column| format!("{:.0}", column.speed(row)));
    }
    for (row, (name, _)) in ROWS.iter().enumerate().skip(BOUNDS[0].0) {
        let first = format!("fast / {name}");
        line(&first, &|column| format!("{:.2}", column.speed(FAST) / column.speed(row)));
    }
    line("compressed to", &|column| {
        let len: usize = column.input.messages.iter().map(Vec::len).sum();
        format!("{:.1} %", 100.0 * len as f64 / column.input.plain.len() as f64)
    });
    println!();
}
