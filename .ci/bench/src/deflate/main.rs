//! How small and how fast messages are deflated: `deflate [--check] [--slack PERCENT] [--seconds S]`.
//!
//! JSON, HTML and prose, as one stream each and as messages of about 600 bytes with context takeover. Sizes, of what was
//! seen to inflate to the same again, stand beside those of zlib itself, by `python3`, at level 6 and with a window of the
//! same size. Speeds are those of the fastest of many short rounds, in which all rows take turns, and are compared with
//! others of the same run only. `encoders.rs` has the rows.

#[path = "../corpus.rs"]
mod corpus;
mod encoders;
#[path = "../telemetry.rs"]
mod telemetry;

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use encoders::{Encoder, Ours};
use flate2::{Decompress, FlushDecompress};
use ws_core::deflate::{Effort, TAIL};

const TOTAL: usize = 1 << 20;
/// Of HTML and prose; those of JSON have their own sizes.
const MESSAGE: usize = 600;

/// The bounds of `--check`: our size to zlib's with a window of 32 KiB; with a smaller one, of prose and of all else. And
/// on messages we are at least as fast as miniz_oxide.
const SIZE_WIDE: f64 = 1.005;
const SIZE_NARROW: f64 = 1.0;
const SIZE_NARROW_PROSE: f64 = 1.04;

/// Our settings: a name, window bits, and how it is made.
type Setting = (&'static str, u8, fn() -> Box<dyn Encoder>);
const SETTINGS: [Setting; 4] = [
    ("32 KiB, 16384 heads", 15, || Ours::boxed(32_768, 16_384, 49_152, Effort::NORMAL)),
    ("1 KiB, no heads", 10, || Ours::boxed(1024, 0, 2048, Effort::SMALL)),
    ("512 B, no heads", 9, || Ours::boxed(512, 0, 736, Effort::SMALL)),
    ("512 B, 128 heads", 9, || Ours::boxed(512, 128, 1024, Effort::QUICK)),
];
/// Those that are held to the bounds.
const JUDGED: usize = 3;

const OURS: usize = 0;
const ZLIB: usize = 1;
const MINIZ: usize = 2;
/// What is timed; ours is the first setting.
type Row = (&'static str, fn() -> Box<dyn Encoder>);
const ROWS: [Row; 3] =
    [("ws-core", SETTINGS[0].2), ("zlib-rs", encoders::zlib_rs), ("miniz_oxide", encoders::miniz_oxide)];

struct Column {
    name: String,
    is_stream: bool,
    messages: Vec<Vec<u8>>,
    /// Of each setting: ours, and zlib's.
    sizes: [(usize, usize); SETTINGS.len()],
    /// Of each row.
    best: [Duration; ROWS.len()],
    written: [usize; ROWS.len()],
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
    let mut version = String::new();
    for column in &mut columns {
        version = column.compare_sizes();
        column.measure(seconds);
    }
    print(&columns, &version);
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
    eprintln!("usage: deflate [--check] [--slack PERCENT] [--seconds S]");
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
            let (name, messages) = match is_stream {
                true => (format!("{name} stream"), vec![messages.concat()]),
                false => (format!("{name} messages"), messages.clone()),
            };
            let (sizes, best) = ([(0, 0); SETTINGS.len()], [Duration::MAX; ROWS.len()]);
            columns.push(Column { name, is_stream, messages, sizes, best, written: [0; ROWS.len()] });
        }
    }
    columns
}

impl Column {
    /// Tells zlib's version.
    fn compare_sizes(&mut self) -> String {
        let (version, zlib) = zlib_sizes(&self.messages);
        for (((_, _, make), theirs), sizes) in SETTINGS.iter().zip(zlib).zip(&mut self.sizes) {
            *sizes = (self::size(&mut *make(), &self.messages), theirs);
        }
        version
    }

    fn measure(&mut self, seconds: f64) {
        let mut encoders = ROWS.map(|(_, make)| make());
        for (encoder, written) in encoders.iter_mut().zip(&mut self.written) {
            *written = size(&mut **encoder, &self.messages);
        }
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < seconds || self.best.contains(&Duration::MAX) {
            for (encoder, best) in encoders.iter_mut().zip(&mut self.best) {
                let begin = Instant::now();
                encoder.pass(&self.messages, &mut |bytes| _ = black_box(bytes));
                *best = begin.elapsed().min(*best);
            }
        }
    }

    fn plain(&self) -> f64 {
        self.messages.iter().map(Vec::len).sum::<usize>() as f64
    }

    /// Megabytes of input a second.
    fn speed(&self, row: usize) -> f64 {
        self.plain() / self.best[row].as_secs_f64() / 1e6
    }

    fn of_zlib(&self, setting: usize) -> f64 {
        let (ours, theirs) = self.sizes[setting];
        ours as f64 / theirs as f64
    }

    fn failures(&self, slack: f64) -> Vec<String> {
        let mut failures = Vec::new();
        for (nth, (name, bits, _)) in SETTINGS.iter().enumerate().take(JUDGED) {
            let most = match bits {
                15 => SIZE_WIDE,
                _ if self.name.starts_with("prose") => SIZE_NARROW_PROSE,
                _ => SIZE_NARROW,
            };
            if self.of_zlib(nth) > most {
                failures.push(format!(
                    "{}: {name}: {:.4} of zlib's size, at most {most}",
                    self.name,
                    self.of_zlib(nth)
                ));
            }
        }
        let speed = self.speed(OURS) / self.speed(MINIZ);
        if !self.is_stream && speed * slack < 1.0 {
            failures.push(format!("{}: {speed:.2} of miniz_oxide's speed", self.name));
        }
        failures
    }
}

/// How many bytes an encoder makes of messages, tails removed. It is seen that they inflate to what they were.
fn size(encoder: &mut dyn Encoder, messages: &[Vec<u8>]) -> usize {
    let (mut compressed, plain) = (Vec::new(), messages.concat());
    encoder.pass(messages, &mut |bytes| compressed.extend_from_slice(bytes));
    let mut inflated = Vec::with_capacity(plain.len() + 1);
    let mut zlib = Decompress::new(false);
    zlib.decompress_vec(&compressed, &mut inflated, FlushDecompress::Sync).expect("it inflates");
    assert!(inflated == plain && zlib.total_in() == compressed.len() as u64, "to what it was");
    compressed.len() - messages.len() * TAIL.len()
}

/// zlib's version, and the size that it makes of the messages with the window of each setting.
fn zlib_sizes(messages: &[Vec<u8>]) -> (String, Vec<usize>) {
    let mut python = Command::new("python3")
        .args(["-c", include_str!("zlib.py")])
        .args(SETTINGS.map(|(_, bits, _)| bits.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut stdin = python.stdin.take().expect("a pipe");
    for message in messages {
        stdin.write_all(&(message.len() as u32).to_le_bytes()).expect("python3 reads");
        stdin.write_all(message).expect("python3 reads");
    }
    drop(stdin);
    let output = python.wait_with_output().expect("python3 ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines = text.lines().map(str::to_string);
    let version = lines.next().expect("a version");
    let sizes: Vec<usize> = lines.map(|line| line.parse().expect("a number")).collect();
    assert_eq!(sizes.len(), SETTINGS.len(), "zlib.py says a size for each setting");
    (version, sizes)
}

fn print(columns: &[Column], version: &str) {
    let line = |first: &str, cell: &dyn Fn(&Column) -> String| {
        let cells: String = columns.iter().map(|column| format!(" {:>14} |", cell(column))).collect();
        println!("| {first:<24} |{cells}");
    };
    let percent = |size: usize, column: &Column| format!("{:.2} %", 100.0 * size as f64 / column.plain());
    println!("Sizes, and what ours are above those of zlib {version}, level 6, with the same window\n");
    line("", &|column| column.name.clone());
    line("---", &|_| "---:".into());
    for (nth, (name, _, _)) in SETTINGS.iter().enumerate() {
        line(name, &|column| percent(column.sizes[nth].0, column));
        line("  above zlib", &|column| format!("{:+.2} %", 100.0 * column.of_zlib(nth) - 100.0));
    }
    println!("\nMB of input a second with a window of 32 KiB, sizes, and what ours is to the others\n");
    line("", &|column| column.name.clone());
    line("---", &|_| "---:".into());
    for (row, (name, _)) in ROWS.iter().enumerate() {
        line(name, &|column| format!("{:.1}", column.speed(row)));
        line("  compressed to", &|column| percent(column.written[row], column));
    }
    line("ws-core / zlib-rs", &|column| format!("{:.2}", column.speed(OURS) / column.speed(ZLIB)));
    line("ws-core / miniz_oxide", &|column| format!("{:.2}", column.speed(OURS) / column.speed(MINIZ)));
    println!();
}
