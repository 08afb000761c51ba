//! Requests for events on a socket, each from its head to the end of its answer: [`Visiting`]. Techniques are of the core; here they
//! are read, written, and waited for.

use super::push::{PushPoint, changed};
use super::{Server, Service};
use crate::clock::{now, until};
use crate::compression::Codec;
use crate::open::write;
use crate::transport::{ReadHalf, WriteHalf};
use crate::{Error, MessageBuffer, Options, Waited, tcp};
use embassy_futures::select::{Either3, Either4, select3, select4};
use embassy_time::{Duration, Instant, with_deadline};
use ws_core::http::{Exchange, Response};
use ws_core::transport::{Lost, Outlet, Progress, SessionKey, Use, Visit};
use ws_core::{Data, Input, Output};

/// What a visit has come to.
pub(super) enum Visited {
    Answered,
    /// What came is no request.
    Refused(Response<'static>),
    /// It did not come, and others could not come in.
    GivenUp,
}

/// A visit, which ends when it is dropped.
pub(super) struct Visiting<'p> {
    point: &'p dyn PushPoint,
    visit: Visit,
}

impl<'p> Visiting<'p> {
    pub(super) const fn new(point: &'p dyn PushPoint, visit: Visit) -> Self {
        Self { point, visit }
    }

    /// Begins what is asked for; until then it says that there is no place for it.
    #[inline(never)]
    pub(super) fn begin(&mut self, exchange: &Exchange<'_>, room: usize) {
        self.visit = self.point.begin(self.point.asked(&exchange.request()), room);
    }

    /// The connection is done behind the answer.
    pub(super) const fn closes(&self) -> bool {
        self.visit.closes()
    }
}

impl Drop for Visiting<'_> {
    fn drop(&mut self) {
        self.point.end(&mut self.visit);
    }
}

impl<C: Codec> Server<'_, C> {
    /// Takes what a client sends, and gives it what it is to be given.
    #[expect(clippy::too_many_arguments, reason = "each is lent from somebody else")]
    pub(super) async fn visit<S: Service>(
        &self,
        place: usize,
        reader: &mut tcp::Reader<'_>,
        writer: &mut tcp::Writer<'_>,
        exchange: &mut Exchange<'_>,
        visiting: &mut Visiting<'_>,
        memory: &mut [u8],
        service: &S,
    ) -> Result<Visited, tcp::Error> {
        let Visiting { point, visit } = visiting;
        let send_timeout = self.settings.options.send_timeout;
        let mut buffer = MessageBuffer::new(memory);
        let mut take = |outlet: &mut dyn Outlet, from: SessionKey, data: Data<'_>| {
            if buffer.store(data) == Ok(true)
                && let Some(message) = buffer.message()
            {
                service.receive(outlet, Some(from), message);
            }
        };
        let mut received = point.receive(visit, exchange, &mut Input::new(&mut []), &mut take);
        loop {
            match received {
                Ok(true) => break,
                Ok(false) => {}
                Err(refusal) => return refusal.response().map(Visited::Refused).ok_or(Error::Lost),
            }
            if exchange.wants_transmit() {
                write(writer, send_timeout, &mut |out| exchange.transmit(out)).await?;
            }
            let due = exchange.poll_timeout();
            let read = reader.read_with(|bytes| {
                let mut input = Input::new(bytes);
                exchange.set_time(now());
                let result = point.receive(visit, exchange, &mut input, &mut take);
                (input.consumed(), result)
            });
            // A body that does not come gives way as a head does; its client sends it again.
            self.enter(place, Use::Reading);
            received = match select3(read, until(due), self.crowded(place)).await {
                Either3::First(Ok(Some(result))) => result,
                Either3::First(Ok(None)) => match exchange.receive_eof() {
                    Ok(()) => Ok(false),
                    Err(refusal) => Err(refusal),
                },
                Either3::First(Err(error)) => return Err(Error::Io(error)),
                Either3::Third(()) => return Ok(Visited::GivenUp),
                Either3::Second(()) => {
                    exchange.handle_timeout(now());
                    point.receive(visit, exchange, &mut Input::new(&mut []), &mut take)
                }
            };
            self.enter(place, Use::Answering);
        }
        let (mut listens, mut taken_by) = (true, Instant::now());
        loop {
            let seen = point.version();
            match transmit(*point, visit, exchange, writer, send_timeout, &mut taken_by).await? {
                Progress::Full => {}
                Progress::Ended => return Ok(Visited::Answered),
                // News may come again and again before `crowded` has looked.
                Progress::Idle if self.gives_way(place, Instant::now()) => visit.hurry(),
                Progress::Idle => {
                    let listen = async {
                        if listens {
                            reader.read_with(|_| (0, ())).await
                        } else {
                            core::future::pending().await
                        }
                    };
                    let due = visit.poll_timeout();
                    match select4(changed(*point, seen), until(due), listen, self.crowded(place)).await {
                        Either4::First(()) => {}
                        Either4::Second(()) => visit.handle_timeout(now()),
                        // There is another request behind it, which a poll has to make way for; a stream does not.
                        Either4::Third(Ok(Some(()))) => {
                            listens = false;
                            visit.hurry();
                        }
                        Either4::Third(Ok(None)) => return Err(Error::Lost),
                        Either4::Third(Err(error)) => return Err(Error::Io(error)),
                        Either4::Fourth(()) => visit.hurry(),
                    }
                    taken_by = Instant::now();
                }
            }
        }
    }
}

/// Writes what fits of what there is. As in [`write`](crate::open::write), a client that takes nothing for `timeout` is given up, and so is
/// one that takes less than a byte a millisecond from one pause to the next; by `taken_by`, it has to have all at that rate.
async fn transmit(
    point: &dyn PushPoint,
    visit: &mut Visit,
    exchange: &Exchange<'_>,
    writer: &mut tcp::Writer<'_>,
    timeout: Duration,
    taken_by: &mut Instant,
) -> Result<Progress, tcp::Error> {
    let patience = |moment: Instant| moment.checked_add(timeout).unwrap_or(Instant::MAX);
    let late = |_| Error::TimedOut(Waited::Send);
    let put = writer.write_with(|room| {
        let mut out = Output::new(room);
        let progress = point.transmit(visit, exchange, &mut out);
        let filled = out.filled().len();
        (filled, (filled, progress))
    });
    let by = patience((*taken_by).min(Instant::now()));
    let (filled, progress) = with_deadline(by, put).await.map_err(late)?.map_err(Error::Io)?;
    *taken_by = taken_by.checked_add(Duration::from_millis(filled as u64)).unwrap_or(Instant::MAX);
    if progress != Ok(Progress::Full) {
        with_deadline(patience(Instant::now()), writer.flush()).await.map_err(late)?.map_err(Error::Io)?;
    }
    progress.map_err(|Lost| Error::Lost)
}

/// By when a client has to have taken the end of an answer, which is in the socket's memory.
pub(super) fn taken_by(options: &Options) -> Instant {
    Instant::now().checked_add(options.send_timeout).unwrap_or(Instant::MAX)
}
