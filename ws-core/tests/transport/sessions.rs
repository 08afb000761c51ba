//! Sessions: their names, what is sent to them, how long they live; and what a listener is given out of two rings.

use crate::Dice;
use proptest::prelude::*;
use ws_core::transport::{
    Cursor, EventRing, Hub, Listener, Listening, Lookup, Next, Outlet, SID_LEN, SendError, Seq, Session,
    SessionKey, SessionWish, Sessions, Sid,
};
use ws_core::{CapacityError, Duration, Instant, Message};

const LIFETIME: Duration = Duration::from_secs(30);

fn at(secs: u32) -> Instant {
    Instant::from_millis(u64::from(secs) * 1000)
}

#[test]
fn a_name_is_24_characters_of_base64_for_urls() {
    let sid = Sid::new(&mut Dice(9));
    let text = std::str::from_utf8(sid.as_bytes()).expect("ASCII");
    assert_eq!(text.len(), SID_LEN);
    assert_eq!(Sid::parse(text), Some(sid));
    for at in 0..SID_LEN {
        let mut other = *sid.as_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = Sid::parse(std::str::from_utf8(&other).expect("ASCII")).expect("a name");
        assert_ne!(other, sid);
        for bad in ["+", "/", "=", " ", "."] {
            let mut text = text.to_owned();
            text.replace_range(at..=at, bad);
            assert_eq!(Sid::parse(&text), None);
        }
    }
    assert_eq!(Sid::parse(&text[1..]), None);
    assert_eq!(Sid::parse(&format!("{text}A")), None);
    assert!(!format!("{sid:?}").contains(&text[..4]), "it is a secret");
    // All bits of the random bytes are in it: 18 bytes of ones.
    struct Ones;
    impl ws_core::Entropy for Ones {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }
    assert_eq!(Sid::new(&mut Ones).as_bytes(), &[b'_'; SID_LEN]);
}

#[test]
fn a_full_table_opens_nothing_until_one_ends() {
    let mut memory = [0; 96];
    let mut sessions = Sessions::<3>::new(&mut memory, LIFETIME);
    let mut dice = Dice(1);
    let keys: Vec<_> = (0..3).map(|_| sessions.open(at(0), &mut dice).expect("room")).collect();
    assert_eq!(sessions.open(at(0), &mut dice), None);
    assert_eq!(sessions.keys().collect::<Vec<_>>(), keys);
    let sid = *sessions.get(keys[1]).expect("open").sid();
    assert_eq!(sessions.find(&sid), Some(keys[1]));
    sessions.close(keys[1]);
    assert_eq!(sessions.find(&sid), None);
    let new = sessions.open(at(0), &mut dice).expect("room again");
    assert!(sessions.get(keys[1]).is_none() && sessions.get_mut(keys[1]).is_none(), "of another generation");
    sessions.close(keys[1]);
    assert!(sessions.get(new).is_some(), "an old key closes nothing");
    assert_eq!(sessions.find(&sid), None);
}

/// Were a name given twice, one client would read what is for another.
#[test]
fn a_source_that_repeats_itself_opens_nothing() {
    let mut memory = [0; 96];
    let mut sessions = Sessions::<3>::new(&mut memory, LIFETIME);
    let key = sessions.open(at(0), &mut Dice(1)).expect("room");
    assert_eq!(sessions.open(at(0), &mut Dice(1)), None);
    assert!(sessions.open(at(0), &mut Dice(2)).is_some());
    sessions.close(key);
    assert!(sessions.open(at(0), &mut Dice(1)).is_some(), "it is nobody's any more");
}

/// Each character counts, also where two differ alike.
#[test]
fn names_are_the_same_in_all_characters() {
    let name = |front: &str| Sid::parse(&format!("{front:A<24}")).expect("a name");
    for other in ["B", "BB", "ABAB", "AAAAAAAAAAAAAAAAAAAAAAAB"] {
        assert_ne!(name(other), name(""), "{other}");
        assert_eq!(name(other), name(other));
    }
}

#[test]
fn a_place_that_is_free_has_no_name() {
    let mut memory = [0; 32];
    let mut sessions = Sessions::<1>::new(&mut memory, LIFETIME);
    let key = sessions.open(at(0), &mut Dice(3)).expect("room");
    let sid = *sessions.get(key).expect("open").sid();
    assert_eq!(sessions.find(&Sid::new(&mut Dice(4))), None);
    sessions.handle_timeout(at(30));
    assert_eq!(sessions.find(&sid), None);
    assert!(Sessions::<0>::new(&mut [], LIFETIME).open(at(0), &mut Dice(0)).is_none());
}

#[test]
fn a_place_that_is_taken_again_knows_nothing_of_who_had_it() {
    let mut memory = [0; 64];
    let mut sessions = Sessions::<1>::new(&mut memory, LIFETIME);
    let key = sessions.open(at(0), &mut Dice(1)).expect("room");
    let session = sessions.get_mut(key).expect("open");
    session.attach();
    for n in 1..4 {
        assert_eq!(session.send(Message::Text("secret")), Ok(Seq::new(n)));
        session.take(Seq::new(n));
        assert_eq!(session.inbox_mut().accept(Seq::new(n)), Ok(true));
    }
    sessions.close(key);
    let key = sessions.open(at(5), &mut Dice(2)).expect("room");
    let session = sessions.get_mut(key).expect("open");
    assert_eq!(session.inbox().received(), Seq::new(0));
    assert_eq!(session.left(), Some(at(5)));
    assert!(session.ring().view().is_empty());
    for n in 1..5 {
        assert_eq!(session.send(Message::Text("mine")), Ok(Seq::new(n)), "12 bytes each");
    }
    assert_eq!(session.send(Message::Text("mine!")), Ok(Seq::new(5)));
    assert_eq!(session.send(Message::Text("mine")), Err(SendError::Full), "none of them was taken");
}

#[test]
fn a_session_lives_for_its_time_behind_the_last_connection() {
    let mut memory = [0; 64];
    let mut sessions = Sessions::<2>::new(&mut memory, LIFETIME);
    let mut dice = Dice(1);
    let key = sessions.open(at(0), &mut dice).expect("room");
    assert_eq!(sessions.poll_timeout(), Some(at(30)), "nobody ever came");
    let session = sessions.get_mut(key).expect("open");
    session.attach();
    session.attach();
    session.detach(at(10));
    assert_eq!(session.left(), None);
    assert_eq!(sessions.poll_timeout(), None);
    sessions.handle_timeout(at(1000));
    sessions.get_mut(key).expect("attached").detach(at(1000));
    let other = sessions.open(at(990), &mut dice).expect("room");
    assert_eq!(sessions.poll_timeout(), Some(at(1020)), "the first of both");
    sessions.handle_timeout(at(1020));
    assert!(sessions.get(other).is_none() && sessions.get(key).is_some());
    sessions.handle_timeout(Instant::from_millis(1_029_999));
    assert!(sessions.get(key).is_some());
    sessions.handle_timeout(at(1030));
    assert!(sessions.get(key).is_none());
    assert_eq!(sessions.poll_timeout(), None);
}

/// Nobody looks at the table for so long that the clock comes around: every day of it.
#[test]
fn what_was_left_long_ago_is_over_on_any_day() {
    for day in 0..120 {
        let mut memory = [0; 64];
        let mut sessions = Sessions::<1>::new(&mut memory, LIFETIME);
        let left = Instant::from_millis(u64::from(u32::MAX) - 5000);
        let key = sessions.open(left, &mut Dice(7)).expect("room");
        sessions.get_mut(key).expect("open").attach();
        sessions.get_mut(key).expect("open").detach(left);
        // Another task read the clock a little before.
        sessions.handle_timeout(Instant::from_millis(u64::from(u32::MAX) - 5100));
        assert!(sessions.get(key).is_some());
        let then = Instant::from_millis(u64::from(u32::MAX) + day * 86_400_000 + 30_000);
        sessions.handle_timeout(then);
        assert!(sessions.get(key).is_none(), "day {day}");
    }
}

/// Up to the longest time that there is.
#[test]
fn who_may_stay_away_for_weeks_is_not_forgotten_before() {
    for lifetime in [Duration::MAX, Duration::from_secs(20 * 86_400), Duration::from_secs(13 * 86_400)] {
        for left in [0, u64::from(u32::MAX) - 5000] {
            let mut memory = [0; 64];
            let mut sessions = Sessions::<1>::new(&mut memory, lifetime);
            let key = sessions.open(Instant::from_millis(left), &mut Dice(7)).expect("room");
            let end = u64::from(lifetime.millis());
            for later in [0, 1, end / 2, end - 1] {
                sessions.handle_timeout(Instant::from_millis(left + later));
                assert!(sessions.get(key).is_some(), "{lifetime:?}, {later} ms later");
            }
            sessions.handle_timeout(Instant::from_millis(left + end));
            assert!(sessions.get(key).is_none());
        }
    }
}

/// Who has said something over a WebSocket has messages that must not come twice.
#[test]
fn a_session_that_has_said_something_makes_no_room() {
    for has_spoken in [false, true] {
        let (mut ring, mut own) = ([0; 64], [0; 64]);
        let (ring, mut dice) = (EventRing::new(&mut ring, Seq::new(1)), Dice(3));
        let mut hub = Hub::new(ring, Sessions::<1>::new(&mut own, LIFETIME));
        let wanted = Listening { since: None, wish: SessionWish::New };
        let mut listener = Listener::begin(&wanted, &mut hub, at(0), &mut dice).expect("room");
        let key = listener.session().expect("its own");
        if has_spoken {
            assert_eq!(listener.accept(&mut hub, Seq::new(1)), Ok(true));
        }
        listener.end(&mut hub, at(0));
        let other = Listener::begin(&wanted, &mut hub, at(0), &mut dice);
        assert_eq!(other.is_none(), has_spoken);
        assert_eq!(hub.sessions().get(key).is_some(), has_spoken);
    }
}

/// Names that nobody came back with: the one that was told longest ago goes.
#[test]
fn the_session_that_was_left_first_makes_room() {
    let (mut ring, mut own) = ([0; 64], [0; 128]);
    let (ring, mut dice) = (EventRing::new(&mut ring, Seq::new(1)), Dice(3));
    let mut hub = Hub::new(ring, Sessions::<2>::new(&mut own, LIFETIME));
    let wanted = Listening { since: None, wish: SessionWish::New };
    let mut open = |hub: &mut Hub<'_, 2>, secs| {
        let mut listener = Listener::begin(&wanted, hub, at(secs), &mut dice).expect("room");
        let key = listener.session().expect("its own");
        listener.end(hub, at(secs));
        key
    };
    let keys: Vec<_> = (0..6).map(|secs| open(&mut hub, secs)).collect();
    let are_there = |hub: &Hub<'_, 2>| [0, 1, 2, 3, 4, 5].map(|at| hub.sessions().get(keys[at]).is_some());
    assert_eq!(are_there(&hub), [false, false, false, false, true, true]);
    // Somebody comes back with the name of the last one: that is nobody's no more.
    let sid = *hub.sessions().get(keys[5]).expect("open").sid();
    let known = Listening { since: None, wish: SessionWish::Known(sid) };
    let mut back = Listener::begin(&known, &mut hub, at(6), &mut Dice(4)).expect("its own");
    back.end(&mut hub, at(6));
    for secs in [7, 8] {
        open(&mut hub, secs);
    }
    assert_eq!(are_there(&hub), [false, false, false, false, false, true]);
}

#[test]
fn what_a_listener_was_given_makes_room() {
    let (mut ring, mut own) = ([0; 64], [0; 40]);
    let ring = EventRing::new(&mut ring, Seq::new(1));
    let mut hub = Hub::new(ring, Sessions::<1>::new(&mut own, LIFETIME));
    let wanted = Listening { since: None, wish: SessionWish::New };
    let listener = Listener::begin(&wanted, &mut hub, at(0), &mut Dice(3)).expect("room");
    let key = listener.session().expect("its own");
    let text = Message::Text("0123456789ab");
    while hub.send(key, text).is_ok() {}
    listener.take(&mut hub, Cursor::parse("1.1").expect("one"));
    assert_eq!(hub.send(key, text), Ok(Seq::new(3)));
    assert_eq!(hub.send(key, text), Err(SendError::Full));
}

/// What is handed to who may send, and do nothing else, sends as the hub does.
#[test]
fn an_outlet_sends_as_its_hub_does() {
    fn send(outlet: &mut impl Outlet, key: SessionKey) -> [Option<Seq>; 2] {
        [outlet.publish(Message::Text("all")).ok(), outlet.send(key, Message::Text("one")).ok()]
    }
    let (mut shared, mut own) = ([0; 64], [0; 64]);
    let ring = EventRing::new(&mut shared, Seq::new(40));
    let mut hub = Hub::new(ring, Sessions::<1>::new(&mut own, LIFETIME));
    let key = hub.sessions_mut().open(at(0), &mut Dice(1)).expect("room");
    assert_eq!(send(&mut hub, key), [Some(Seq::new(41)), Some(Seq::new(1))]);
    assert_eq!(hub.now(), Cursor::parse("41").expect("one"));
    assert!(matches!(hub.news(Some(key)).next(hub.now()), Next::Own(event) if event.bytes == b"one"));
}

#[test]
fn what_was_not_taken_is_not_pushed_out() {
    let mut memory = [0; 40];
    let mut session = Session::new(Sid::new(&mut Dice(1)), &mut memory, at(0));
    let text = Message::Text("0123456789ab"); // 20 bytes with its head: two fit
    assert_eq!(session.send(text), Ok(Seq::new(1)));
    assert_eq!(session.send(text), Ok(Seq::new(2)));
    assert_eq!(session.send(text), Err(SendError::Full));
    session.take(Seq::new(9));
    session.take(Seq::new(u32::MAX));
    assert_eq!(session.send(text), Err(SendError::Full), "no such numbers were given");
    session.take(Seq::new(1));
    assert!(
        matches!(session.ring().view().get(Seq::new(1)), Lookup::Found(_)),
        "it stays while there is room"
    );
    assert_eq!(session.send(text), Ok(Seq::new(3)));
    assert_eq!(session.send(text), Err(SendError::Full));
    session.take(Seq::new(3));
    session.take(Seq::new(1));
    assert_eq!(session.send(text), Ok(Seq::new(4)), "what was taken stays taken");
    assert_eq!(session.send(Message::Binary(&[0; 33])), Err(SendError::TooLarge));
    session.take(Seq::new(4));
    assert_eq!(session.send(Message::Binary(&[0; 32])), Ok(Seq::new(5)), "all of the memory");
}

#[test]
fn a_hub_sends_to_all_and_to_one() {
    let (mut shared, mut own) = ([0; 256], [0; 256]);
    let ring = EventRing::new(&mut shared, Seq::new(40));
    let mut hub = Hub::new(ring, Sessions::<2>::new(&mut own, LIFETIME));
    let key = hub.sessions_mut().open(at(0), &mut Dice(1)).expect("room");
    let start = hub.now();
    assert_eq!(start, Cursor::parse("40").expect("one"));
    assert!(!hub.has_news(Some(key), start) && !hub.has_news(None, start));
    // Whoever publishes need not know how many sessions there can be.
    let outlet: &mut dyn Outlet = &mut hub;
    assert_eq!(outlet.publish(Message::Text("all")), Ok(Seq::new(41)));
    assert_eq!(outlet.send(key, Message::Text("one")), Ok(Seq::new(1)));
    assert_eq!(outlet.publish(Message::Binary(&[0; 257])), Err(CapacityError));
    assert_eq!(outlet.send(key, Message::Binary(&[0; 129])), Err(SendError::TooLarge));
    assert!(hub.has_news(Some(key), start) && hub.has_news(None, start));
    let news = hub.news(Some(key));
    assert!(matches!(news.next(start), Next::Own(event) if event.bytes == b"one"));
    let cursor = Cursor::parse("40.1").expect("one");
    assert!(matches!(news.next(cursor), Next::Shared(event) if event.bytes == b"all"));
    assert_eq!(news.next(Cursor::parse("41.1").expect("one")), Next::Nothing);
    // Who has no session is given what is for all, whatever the cursor says of its own.
    assert!(matches!(hub.news(None).next(start), Next::Shared(_)));
    assert_eq!(hub.news(None).next(Cursor::parse("41.9").expect("one")), Next::Nothing);
    assert_eq!((hub.oldest(), hub.now()), (start, Cursor::parse("41").expect("one")));
    hub.sessions_mut().close(key);
    assert_eq!(hub.send(key, Message::Text("late")), Err(SendError::NoSession));
    assert_eq!(hub.ring().view().len(), 1);
    assert!(hub.sessions().get(key).is_none());
}

#[test]
fn who_missed_something_goes_on_with_the_oldest() {
    let (mut shared, mut own) = ([0; 27], [0; 27]);
    let mut hub = Hub::new(EventRing::new(&mut shared, Seq::new(9)), Sessions::<1>::new(&mut own, LIFETIME));
    let key = hub.sessions_mut().open(at(0), &mut Dice(1)).expect("room");
    for _ in 0..5 {
        hub.publish(Message::Text("x")).expect("it fits");
    }
    let cursor = |text| Cursor::parse(text).expect("one");
    assert_eq!(hub.news(None).next(cursor("9")), Next::Reset(cursor("11")));
    assert!(matches!(hub.news(None).next(cursor("11")), Next::Shared(_)), "nothing was missed");
    assert_eq!(hub.news(None).next(cursor("15")), Next::Reset(cursor("11")), "of an earlier life");
    assert_eq!(hub.news(Some(key)).next(cursor("14.7")), Next::Reset(cursor("14")), "of another session");
    assert_eq!(hub.news(Some(key)).next(cursor("2.7")), Next::Reset(cursor("11")));
    assert_eq!(hub.news(Some(key)).next(cursor("12.7")), Next::Reset(cursor("12")), "before any other");
    hub.send(key, Message::Text("y")).expect("it fits");
    assert!(matches!(hub.news(Some(key)).next(cursor("2")), Next::Own(_)), "its own goes first");
    assert_eq!(hub.news(Some(key)).next(cursor("2.1")), Next::Reset(cursor("11.1")));
}

/// What may happen to a table of sessions.
#[derive(Clone, Debug)]
enum Act {
    Open,
    Close(usize),
    Attach(usize),
    Detach(usize),
    Wait(u32),
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    /// Beside a list of sessions and the times at which they end.
    #[test]
    fn any_life_of_a_table(acts in prop::collection::vec(prop_oneof![
        Just(Act::Open),
        (0..8usize).prop_map(Act::Close),
        (0..8usize).prop_map(Act::Attach),
        (0..8usize).prop_map(Act::Detach),
        (0..40u32).prop_map(Act::Wait),
    ], 0..80)) {
        struct Model { key: SessionKey, sid: Sid, attached: u32, visits: u32, left: u32 }
        let mut memory = [0; 64];
        let mut sessions = Sessions::<3>::new(&mut memory, LIFETIME);
        let (mut model, mut ended): (Vec<Model>, Vec<(SessionKey, Sid)>) = (Vec::new(), Vec::new());
        let (mut now, mut dice) = (0, Dice(0));
        for act in acts {
            match act {
                Act::Open => {
                    // Whoever was here once, is gone and has not come back makes room: the one that left first.
                    let lost = model.iter().filter(|m| m.attached == 0 && m.visits == 1).map(|m| m.left).min();
                    let key = sessions.open(at(now), &mut dice);
                    prop_assert_eq!(key.is_some(), model.len() < 3 || lost.is_some());
                    if let (3, Some(lost)) = (model.len(), lost) {
                        let gone: Vec<_> = (0..3).filter(|i| sessions.get(model[*i].key).is_none()).collect();
                        prop_assert_eq!(gone.len(), 1);
                        let gone = model.remove(gone[0]);
                        prop_assert_eq!((gone.attached, gone.visits, gone.left), (0, 1, lost));
                        ended.push((gone.key, gone.sid));
                    }
                    if let Some(key) = key {
                        let sid = *sessions.get(key).expect("open").sid();
                        model.push(Model { key, sid, attached: 0, visits: 0, left: now });
                    }
                }
                Act::Close(i) if i < model.len() => {
                    let gone = model.remove(i);
                    sessions.close(gone.key);
                    ended.push((gone.key, gone.sid));
                }
                Act::Attach(i) if i < model.len() => {
                    sessions.get_mut(model[i].key).expect("open").attach();
                    model[i].attached += 1;
                    model[i].visits += 1;
                }
                Act::Detach(i) if i < model.len() && model[i].attached > 0 => {
                    sessions.get_mut(model[i].key).expect("open").detach(at(now));
                    model[i].attached -= 1;
                    model[i].left = now;
                }
                Act::Wait(secs) => {
                    now += secs;
                    sessions.handle_timeout(at(now));
                    let is_over = |m: &Model| m.attached == 0 && now >= m.left + 30;
                    ended.extend(model.iter().filter(|m| is_over(m)).map(|m| (m.key, m.sid)));
                    model.retain(|m| !is_over(m));
                }
                _ => {}
            }
            for m in &model {
                prop_assert_eq!(sessions.find(&m.sid), Some(m.key));
            }
            for (key, sid) in &ended {
                prop_assert!(sessions.find(sid).is_none() && sessions.get(*key).is_none());
            }
            let ends = model.iter().filter(|m| m.attached == 0).map(|m| m.left + 30).min();
            prop_assert_eq!(sessions.poll_timeout(), ends.map(at));
            prop_assert_eq!(sessions.keys().count(), model.len());
        }
    }
}
