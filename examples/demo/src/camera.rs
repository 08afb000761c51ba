//! A film in an `<img>`, as a camera sends it: one response of pictures, each of which takes the place of the one before (multipart
//! streaming). There is no camera here, so the pictures are drawn.

use std::io::Write;
use std::thread;
use std::time::Duration;
use ws_std::http::Requests;
use ws_std::ws_core::Output;
use ws_std::ws_core::transport::{Images, Part};
use ws_std::{Error, OsSeeded, Transport};

/// Pixels.
const WIDTH: usize = 64;
const HEIGHT: usize = 48;
/// Of a bitmap: the heads in front of the pixels.
const HEAD: usize = 54;
/// Between two pictures.
const PERIOD: Duration = Duration::from_millis(200);
/// Pictures of one response: five minutes. A page that is still there asks again.
const PICTURES: u32 = 1500;

/// Answers with the film. It ends when the client goes.
pub(crate) fn serve<S: Transport>(client: &mut Requests<'_, S>) -> Result<(), Error> {
    let mut images = Images::new(&mut OsSeeded::new()?);
    let content_type = images.content_type().to_owned();
    let fields =
        [("Content-Type", content_type.as_str()), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")];
    let mut body = client.stream(200, &fields)?;
    let mut buf = [0; 4096];
    for n in 0..PICTURES {
        let picture = picture(n);
        let part = Part::new("image/bmp", &picture)?;
        let mut is_whole = false;
        while !is_whole {
            let mut out = Output::new(&mut buf);
            is_whole = images.transmit(&part, &mut out);
            body.write_all(out.filled())?;
        }
        thread::sleep(PERIOD);
    }
    body.finish()
}

/// A bitmap: a bar that walks to the right in front of a colour that says which picture it is: 16 to 240 of red, in steps of 16.
fn picture(n: u32) -> Vec<u8> {
    let size = HEAD + WIDTH * HEIGHT * 3;
    let mut bytes = Vec::with_capacity(size);
    bytes.extend(b"BM");
    // Size, nothing, where the pixels begin; then size of this head, width, height, one plane of 24 bits, and what may be 0.
    for number in
        [size as u32, 0, HEAD as u32, 40, WIDTH as u32, HEIGHT as u32, 1 | 24 << 16, 0, 0, 0, 0, 0, 0]
    {
        bytes.extend(number.to_le_bytes());
    }
    let red = (n % 15 + 1) as u8 * 16;
    let bar = n as usize * 4 % WIDTH;
    for _ in 0..HEIGHT {
        for x in 0..WIDTH {
            let is_bar = (bar..bar + 4).contains(&x) && x >= 4; // the first pixels are always of the colour
            bytes.extend(if is_bar { [255; 3] } else { [96, 64, red] }); // blue, green, red
        }
    }
    bytes
}
