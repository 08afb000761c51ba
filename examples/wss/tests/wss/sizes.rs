//! What TLS costs in memory. Figures of a 64-bit processor; they are about as large with 32 bits, for keys do not shrink.

use embedded_tls::NoClock;
use rand_core::OsRng;
use wss::Trust;
use wss::tls::{Memory, Receiver, Sender, Tls};

#[test]
fn the_future_is_as_large_as_is_said() {
    let mut memory = Memory::<16_640, 1024>::new();
    let tls = Tls::new("localhost", Trust::Anybody);
    let session = async |_: Receiver<'_>, _: Sender<'_>| ();
    let (reader, writer) = (tokio::io::empty(), tokio::io::empty());
    let (reader, writer) = (
        embedded_io_adapters::tokio_1::FromTokio::new(reader),
        embedded_io_adapters::tokio_1::FromTokio::new(writer),
    );
    let run = tls.run::<NoClock, _, _, _>(reader, writer, OsRng, &mut memory, session);
    let run = size_of_val(&run);
    println!("run {run}");
    assert!(run <= 8 * 1024, "{run}");
    assert_eq!(size_of::<Memory<16_640, 1024>>(), 17_664, "no more than is asked for");
}
