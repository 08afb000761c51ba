//! Polls: bodies measured and written, byte for byte and at every size of output, and polls that wait.

use crate::cases::thin;
use crate::streams::{at, cursor, sid};
use ws_core::transport::{
    Callback, Control, Cursor, EventRing, LongPoll, Lost, News, PollBody, Seq, Session,
};
use ws_core::{CloseCode, Duration, Message, Output};

fn written(body: &PollBody, news: &News<'_>, size: usize) -> Result<String, Lost> {
    let (mut body, mut buf, mut written) = (body.clone(), vec![0; size], Vec::new());
    let mut out = Output::new(&mut buf);
    while !body.transmit(news, &mut out)? {
        assert_eq!(out.space(), 0);
        written.extend_from_slice(out.filled());
        out.clear();
    }
    written.extend_from_slice(out.filled());
    assert_eq!(body.transmit(news, &mut out), Ok(true), "and nothing more");
    Ok(String::from_utf8(written).expect("UTF-8"))
}

fn is_written_as(body: &PollBody, news: &News<'_>, expected: &str) {
    assert_eq!(body.len(), expected.len(), "measured: {expected}");
    for size in thin(1..expected.len() + 2, 60) {
        assert_eq!(written(body, news, size).as_deref(), Ok(expected), "in {size} bytes");
    }
}

#[test]
fn a_poll_is_answered_with_all_that_came_since() {
    let (mut shared, mut own) = ([0; 256], [0; 256]);
    let mut ring = EventRing::new(&mut shared, Seq::new(16));
    let mut session = Session::new(sid(), &mut own, at(0));
    let limit = PollBody::LIMIT;

    let news = News::new(&ring, Some(&session));
    let body = PollBody::new(&news, cursor("16"), limit);
    assert!(body.is_empty());
    is_written_as(&body, &news, r#"{"next":"16","events":[]}"#);

    ring.publish(Message::Text("a")).expect("it fits");
    ring.publish(Message::Text("</script>")).expect("it fits");
    session.send(Message::Binary(b"xyz1")).expect("it fits");
    let news = News::new(&ring, Some(&session));
    let body = PollBody::new(&news, cursor("16"), limit);
    assert!(!body.is_empty());
    assert_eq!(body.next(), cursor("18.1"));
    let events = concat!(
        r#"{"id":"16.1","b64":"eHl6MQ=="},"#,
        r#"{"id":"17.1","data":"a"},{"id":"18.1","data":"<\/script>"}"#
    );
    is_written_as(&body, &news, &format!(r#"{{"next":"18.1","events":[{events}]}}"#));
    assert_eq!(body.content_type(), "application/json");

    // As a script.
    let callback = Callback::parse("cb").expect("a name");
    let script = body.clone().with_callback(&news, callback);
    is_written_as(&script, &news, &format!(r#"/**/cb({{"next":"18.1","events":[{events}]}});"#));
    assert_eq!(script.content_type(), "text/javascript; charset=utf-8");

    // The first and the last of a session.
    let open = Control::Open { sid: Some(sid()), ping: Duration::ZERO };
    let close = Control::Close { code: CloseCode::NORMAL, reason: "\"bye\"" };
    let first = r#"{"id":"16","open":{"sid":"AAAAAAAAAAAAAAAAAAAAAAAA","ping":0}}"#;
    let last = r#"{"close":[1000,"\"bye\""]}"#;
    let ended = body.clone().with_close(&news, close);
    is_written_as(&ended, &news, &format!(r#"{{"next":"18.1","events":[{events},{last}]}}"#));
    let body = body.with_open(&news, open).with_close(&news, close);
    is_written_as(&body, &news, &format!(r#"{{"next":"18.1","events":[{first},{events},{last}]}}"#));
    let nothing = PollBody::new(&news, cursor("18.1"), limit).with_close(&news, close);
    assert!(!nothing.is_empty());
    is_written_as(&nothing, &news, &format!(r#"{{"next":"18.1","events":[{last}]}}"#));
    let nothing = PollBody::new(&news, cursor("18.1"), limit).with_open(&news, open);
    is_written_as(
        &nothing,
        &news,
        &format!(r#"{{"next":"18.1","events":[{}]}}"#, first.replace("16", "18.1")),
    );
}

#[test]
fn a_poll_of_one_who_missed_something_says_so() {
    let mut shared = [0; 20];
    let mut ring = EventRing::new(&mut shared, Seq::new(0));
    for text in ["a", "b", "c"] {
        ring.publish(Message::Text(text)).expect("it fits");
    }
    let news = News::new(&ring, None);
    let body = PollBody::new(&news, cursor("0"), PollBody::LIMIT);
    is_written_as(
        &body,
        &news,
        r#"{"next":"3","events":[{"id":"1","reset":1},{"id":"2","data":"b"},{"id":"3","data":"c"}]}"#,
    );
    ring.clear(Seq::new(70));
    let news = News::new(&ring, None);
    let body = PollBody::new(&news, cursor("3"), PollBody::LIMIT);
    assert!(!body.is_empty());
    let open = Control::Open { sid: None, ping: Duration::ZERO };
    is_written_as(&body, &news, r#"{"next":"70","events":[{"id":"70","reset":1}]}"#);
    let expected = r#"{"next":"70","events":[{"id":"70","open":{"ping":0}},{"id":"70","reset":1}]}"#;
    is_written_as(&body.with_open(&news, open), &news, expected);
}

#[test]
#[cfg_attr(miri, ignore = "five hundred limits")]
fn a_body_ends_at_its_limit_and_has_one_event_at_least() {
    let mut shared = vec![0; 4096];
    let mut ring = EventRing::new(&mut shared, Seq::new(0));
    for n in 0..20 {
        ring.publish(Message::Text(&"x".repeat(n * 3))).expect("it fits");
    }
    let news = News::new(&ring, None);
    // Each with the comma behind it.
    let event = |n: usize| format!(r#"{{"id":"{}","data":"{}"}},"#, n + 1, "x".repeat(n * 3)).len();
    for limit in 0..500 {
        let (mut since, mut polls) = (Cursor::default(), 0);
        while news.is_behind(since) {
            let body = PollBody::new(&news, since, limit);
            let text = written(&body, &news, 64).expect("nothing leaves");
            assert_eq!(text.len(), body.len());
            let events = text.matches("\"id\"").count();
            assert_eq!(body.next().shared.steps_from(since.shared) as usize, events);
            let lengths = (since.shared.get() as usize..20).map(event).scan(0, |all, one| {
                *all += one;
                Some(*all)
            });
            assert_eq!(events, lengths.take_while(|all| *all <= limit).count().max(1), "{limit}");
            since = body.next();
            polls += 1;
        }
        assert_eq!(since, cursor("20"));
        assert!(limit > 20 || polls == 20);
    }
}

#[test]
fn what_comes_meanwhile_is_for_the_next_poll() {
    let (mut shared, mut own) = ([0; 256], [0; 256]);
    let mut ring = EventRing::new(&mut shared, Seq::new(0));
    let mut session = Session::new(sid(), &mut own, at(0));
    ring.publish(Message::Text("one")).expect("it fits");
    ring.publish(Message::Text("two")).expect("it fits");
    let body = PollBody::new(&News::new(&ring, Some(&session)), cursor("0"), 1000);
    let before = written(&body, &News::new(&ring, Some(&session)), 10);
    session.send(Message::Text("own")).expect("it fits");
    ring.publish(Message::Text("three")).expect("it fits");
    assert_eq!(written(&body, &News::new(&ring, Some(&session)), 10), before);
}

#[test]
fn an_event_that_leaves_before_it_is_out_ends_the_connection() {
    let mut shared = [0; 40];
    let mut ring = EventRing::new(&mut shared, Seq::new(0));
    ring.publish(Message::Text("one")).expect("it fits");
    let mut body = PollBody::new(&News::new(&ring, None), cursor("0"), 1000);
    let mut buf = [0; 30];
    let mut out = Output::new(&mut buf);
    assert_eq!(body.transmit(&News::new(&ring, None), &mut out), Ok(false));
    ring.publish(Message::Text("this one takes all the room")).expect("it fits");
    out.clear();
    assert_eq!(body.transmit(&News::new(&ring, None), &mut out), Err(Lost));
    assert_eq!(body.transmit(&News::new(&ring, None), &mut out), Err(Lost));
}

#[test]
fn a_long_poll_waits_for_news_for_its_time_or_until_it_is_in_the_way() {
    let mut shared = [0; 64];
    let mut ring = EventRing::new(&mut shared, Seq::new(0));
    let mut poll = LongPoll::new(cursor("0"), Duration::from_secs(20), at(5));
    assert_eq!(poll.poll_timeout(), at(20_005));
    let news = News::new(&ring, None);
    assert!(!poll.is_due(&news, at(20_004)));
    assert!(poll.is_due(&news, at(20_005)));
    poll.hurry();
    assert!(poll.is_due(&news, at(5)));
    let poll = LongPoll::new(cursor("0"), Duration::MAX, at(0));
    assert_eq!(poll.poll_timeout(), at(50_000), "no longer than that");
    ring.publish(Message::Text("x")).expect("it fits");
    assert!(poll.is_due(&News::new(&ring, None), at(1)));
    assert!(
        !LongPoll::new(cursor("1"), Duration::from_secs(1), at(0)).is_due(&News::new(&ring, None), at(1))
    );
    assert!(LongPoll::new(cursor("9"), Duration::from_secs(1), at(0)).is_due(&News::new(&ring, None), at(1)));
    assert_eq!(LongPoll::parse_wait("20000"), Some(Duration::from_secs(20)));
    for bad in ["", "-1", "1.5", "1s", "99999999999"] {
        assert_eq!(LongPoll::parse_wait(bad), None);
    }
}
