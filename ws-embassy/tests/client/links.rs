//! The network lost in every state of the client, for a moment and for long: it comes back by itself, and soon.

use embassy_time::{Duration, Instant, Timer, with_timeout};
use ws_embassy::client::{Event, Session};
use ws_embassy::{Plain, tcp};

use crate::common::{Host, Net, Verdict, dns};
use crate::{Diary, Dice, URL, client, hello, hosts, serve, start, start_with};

/// When the network is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    Resolving,
    Connecting,
    Shaking,
    Open,
    Talking,
    Closing,
    Ending,
    Waiting,
}

const ALL: [When; 9] = [
    When::Before,
    When::Resolving,
    When::Connecting,
    When::Shaking,
    When::Open,
    When::Talking,
    When::Closing,
    When::Ending,
    When::Waiting,
];

/// Seconds: before TCP says anything again, in its pauses, about the heartbeat's deadline, long.
const OUTAGES: [u64; 6] = [1, 4, 9, 20, 39, 600];

/// Hears one echo, and stays; for `Talking`, hears one behind the other; for `Closing` and `Ending`, each session is short.
async fn talk(when: When, session: &mut Session<'_, Dice>, diary: &Diary) -> Result<(), tcp::Error> {
    loop {
        session.ws.send_text("hello").await?;
        loop {
            let chunk = session.ws.read(session.buf).await?.expect("an echo");
            if chunk.last {
                break;
            }
        }
        diary.hear();
        match when {
            When::Closing | When::Ending => return Ok(()),
            When::Talking => {}
            _ => return session.ws.receive(|_| ()).await.map(|data| assert!(data.is_none())),
        }
        Timer::after_millis(100).await;
    }
}

/// Waits for the moment.
async fn moment(when: When, net: &Net, host: &Host, server: &Host, diary: &Diary) {
    let ticks = Duration::from_micros(100);
    let opened = |event: &Event| *event == Event::Opened;
    let ended = |event: &Event| matches!(event, Event::Ended(_));
    match when {
        When::Before => {}
        When::Resolving => {
            // The name server's answer is lost, so that it is waited for.
            while net.sent(host).frames < 2 {
                Timer::after(ticks).await;
            }
        }
        When::Connecting => {
            while net.sent(host).syn == 0 {
                Timer::after(ticks).await;
            }
        }
        When::Shaking => {
            while net.sent(host).payload == 0 {
                Timer::after(ticks).await;
            }
        }
        When::Open => Timer::at(diary.until(1, opened).await + Duration::from_secs(20)).await,
        When::Talking => {
            // Something is under way to the server.
            diary.until_heard().await;
            let before = net.sent(host).payload;
            while net.sent(host).payload == before {
                Timer::after(ticks).await;
            }
        }
        When::Closing => {
            // The Close has gone out, and that of the server is under way.
            diary.until(1, opened).await;
            let before = net.sent(host).payload;
            while net.sent(host).payload < before + 11 + 8 {
                Timer::after(ticks).await;
            }
        }
        When::Ending => {
            // The server's FIN or ours.
            diary.until(1, ended).await;
            while net.sent(host).fin + net.sent(server).fin == 0 {
                Timer::after(ticks).await;
            }
        }
        When::Waiting => {
            server.cut();
            Timer::after_secs(120).await;
            let failures = diary.count(|event| matches!(event, Event::Failed(_)));
            diary.until(failures + 1, |event| matches!(event, Event::Failed(_))).await;
            server.mend();
        }
    }
}

fn lose(when: When, outage: Duration, knows: bool) -> (Duration, usize) {
    let net = Net::new(when as u64 + 1);
    let (host, server) = hosts(&net);
    host.resolve_by(&[&server]);
    serve(&net, &server);
    net.spawn(dns::serve(server.clone(), vec![("server.example", server.address)]));
    let url = if when == When::Resolving { "ws://server.example:1234/" } else { URL };
    if when == When::Before {
        host.link_down();
    }
    let diary = Diary::default();
    let writes = diary.clone();
    start_with(&net, &host, client(url), 1, &diary, Plain, async move |session: &mut Session<'_, Dice>| {
        talk(when, session, &writes).await
    });
    net.run(async {
        moment(when, &net, &host, &server, &diary).await;
        if knows {
            host.link_down()
        } else {
            host.cut()
        }
        let opened = diary.opened();
        Timer::after(outage).await;
        let is_kept = when == When::Open && diary.count(|event| matches!(event, Event::Ended(_))) == 0;
        if knows {
            host.link_up()
        } else {
            host.mend()
        }
        let up = Instant::now();
        // Back is who hears from the server again. A connection that is kept, and not used, is at least not opened anew.
        if is_kept {
            Timer::after_secs(5).await;
            assert!(
                diary.opened() == opened || outage > Duration::from_secs(10),
                "{when:?}: {:?}",
                diary.events()
            );
        } else {
            let heard = with_timeout(Duration::from_secs(600), diary.until_heard()).await;
            assert!(heard.is_ok(), "{when:?}, {outage}: {:?}", diary.events());
        }
        let took = up.elapsed();
        // And it stays so.
        Timer::after_secs(45).await;
        (took, diary.opened())
    })
}

#[test]
fn a_link_lost_in_any_state_and_back_is_used_within_seconds() {
    for when in ALL {
        for seconds in OUTAGES {
            let (took, _) = lose(when, Duration::from_secs(seconds), true);
            println!("{when:?} {seconds} s: {took}");
            assert!(took <= Duration::from_secs(5), "{when:?}, {seconds} s: {took}");
        }
    }
}

#[test]
fn a_loss_that_the_device_does_not_notice_is_survived_too() {
    for when in ALL.into_iter().filter(|when| *when != When::Before) {
        for seconds in OUTAGES {
            let (took, opened) = lose(when, Duration::from_secs(seconds), false);
            println!("{when:?} {seconds} s: {took}");
            // The longest wait, and an attempt that was begun too early.
            assert!(took <= Duration::from_secs(72) && opened > 0, "{when:?}, {seconds} s: {took}");
        }
    }
}

/// The server was away for long; while the client connects once more, `after` that attempt has begun, the link is lost as well,
/// and back after `outage`, and now all is well. How long the client then takes, at its attempt behind `failures`.
fn lose_while_connecting_again(failures: usize, after: Duration, outage: Duration) -> Duration {
    let net = Net::new(20);
    let (host, server) = hosts(&net);
    serve(&net, &server);
    let from = host.number;
    net.script(move |frame| {
        let is_lost = frame.from == from && frame.segment.is_some();
        if is_lost { Verdict::Drop } else { Verdict::Pass }
    });
    let (diary, _) = start(&net, &host, client(URL), 3, hello);
    net.run(async {
        diary.until(failures, |event| matches!(event, Event::Failed(_))).await;
        let syns = net.sent(&host).syn;
        while net.sent(&host).syn == syns {
            Timer::after_millis(1).await;
        }
        Timer::after(after).await;
        host.link_down();
        Timer::after(outage).await;
        net.calm();
        host.link_up();
        let up = Instant::now();
        diary.until(1, |event| *event == Event::Opened).await - up
    })
}

/// Else TCP would try ever more seldom, or the attempt fail and be waited behind, a minute by then.
#[test]
fn a_link_lost_while_connecting_again_is_used_within_seconds() {
    for failures in [3, 6, 8] {
        for after in [0, 1000, 3000] {
            for outage in [500, 2000, 4000, 6000, 8000] {
                let [time, away] = [after, outage].map(Duration::from_millis);
                let took = lose_while_connecting_again(failures, time, away);
                assert!(
                    took <= Duration::from_secs(5),
                    "{failures} failures, {after} ms, {outage} ms: {took}"
                );
            }
        }
    }
}
