//! Hostile peers: the mistakes that software like this has been attacked through, and the test that shows each is not
//! made here. Identifiers are those of public advisories on such mistakes, wherever they were made.
//!
//! | class | cause | advisory | test |
//! | --- | --- | --- | --- |
//! | lengths | the length and that of the header are added, and wrap | | `the_longest_lengths_do_not_overflow` |
//! | lengths | the same, in a run of ones | | `a_long_run_of_ones_is_refused_at_once` |
//! | lengths | the same, behind a header that should have been refused before | | `a_bad_first_byte_is_refused_before_its_length` |
//! | lengths | the sum over fragments wraps, and passes the limit | CVE-2020-27813 | `huge_fragments_do_not_wrap_the_limit` |
//! | lengths | the top bit is let through, and the length is negative | CVE-2020-13935 | `the_top_bit_of_a_length_is_refused` |
//! | lengths | a server's 64-bit length is too much for a client | CVE-2026-1528 | `a_client_survives_every_length_of_a_server` |
//! | lengths | bytes are shifted as signed numbers | | `lengths_are_not_signed` |
//! | lengths | a few bytes more than the length wrap, and unmask all memory | | `lengths_just_below_the_wrap_are_refused` |
//! | lengths | unmasking goes by the length declared, past what has come | | `only_what_has_come_is_unmasked` |
//! | lengths | the largest length and one are zero | | `the_largest_length_and_one_are_not_zero` |
//! | lengths | a small fragment, then one whose length wraps the sum | | `a_small_fragment_before_a_huge_one` |
//! | lengths | a length is not looked at | | `every_header_has_the_verdict_of_the_table` |
//! | lengths | the offset of a fragment wraps | CVE-2025-51495 | `fragments_of_all_lengths_add_up` |
//! | lengths | a length without an end, of a draft older than the protocol | CVE-2026-54466 | `no_draft_is_spoken` |
//! | lengths | the sender takes the wrong form at its boundary | | `each_form_of_the_length_is_sent_up_to_its_last_value` |
//! | lengths | a longer form than needed is taken | | `a_length_in_a_longer_form_is_refused` |
//! | memory | the length declared is allocated | RUSTSEC-2022-0035 | `a_declared_gibibyte_costs_nothing` |
//! | memory | messages have no limit; or it does not reach the decoder | CVE-2016-10542, CVE-2026-44545 | `each_limit_holds_exactly` |
//! | memory | a text without an end is kept | CVE-2014-0193 | `a_message_without_an_end_is_closed_by_the_limit` |
//! | memory | each tiny fragment costs an object | CVE-2026-48779 | `a_million_one_byte_fragments` |
//! | memory | bytes are limited, fragments are not | CVE-2026-12151, RUSTSEC-2026-0258 | `a_million_empty_fragments` |
//! | memory | what is sent piles up for a peer that does not read | RUSTSEC-2020-0043 | `output_never_exceeds_what_is_lent` |
//! | memory | each Pong costs memory | CVE-2021-3690 | `a_million_pongs_cost_nothing` |
//! | memory | Pings pile up replies that nobody reads | | `a_million_pings_leave_one_reply` |
//! | memory | a reserved opcode with a large payload is taken in | CVE-2026-19204 | `a_reserved_opcode_is_refused_before_its_payload` |
//! | framing | an unmasked frame is an error, and delivered | | `an_unmasked_frame_is_not_delivered` |
//! | framing | a server takes unmasked frames | | `an_unmasked_frame_is_not_delivered` |
//! | framing | a server masks | | `a_server_never_masks_and_a_client_always_does` |
//! | framing | a header in two reads, before a large payload | | `a_header_in_two_reads_before_a_large_payload` |
//! | framing | the bytes of a header that was read in part are lost | | `a_header_in_single_bytes` |
//! | framing | frames behind the handshake, in the same read, are lost | | `frames_behind_the_handshake_are_not_lost` |
//! | framing | the stream loses its place under load, or in a close with a reason | | `a_long_stream_keeps_its_place` |
//! | framing | a Close without a payload | | `an_empty_close` |
//! | framing | control frames of no length | | `empty_control_frames` |
//! | framing | asking for a length and then for its bytes goes out of step | | `asking_again_changes_nothing` |
//! | framing | the parser's error is not caught | CVE-2022-21676 | `reserved_bits_are_an_error_like_any_other` |
//! | framing | a message in many pieces, or one too large, is looked at for ever | CVE-2025-5399 | `every_call_makes_progress` |
//! | closing | a send races with a close | CVE-2022-25762 | `nothing_is_sent_behind_a_close` |
//! | closing | frames behind an error or a Close are still delivered | | `nothing_is_delivered_behind_an_error_or_a_close` |
//! | closing | a code that may not be on the wire, a reason that is not text, half a code | | `a_close_that_may_not_be_is_refused` |
//! | closing | the peer keeps the connection open behind its Close | CVE-2024-23672 | `a_peer_that_ignores_the_close_is_dropped` |
//! | framing | the Pong is lost when the transport is full | | `a_pong_waits_for_room` |
//! | framing | a Ping in two reads goes unanswered; text is cut inside a character | | `a_ping_in_pieces_is_answered`, `text_that_ends_inside_a_character_is_refused` |
//! | framing | right only because the buffer is large | | `a_session_at_every_size_of_every_buffer` |
//! | framing | a second decoder lacks the checks of the first | | `both_roles_check_the_same` |
//! | framing | a reply holds bytes of another, or of nobody | CVE-2016-10518, CVE-2026-45736 | `a_reply_holds_nothing_of_an_earlier_one` |
//! | framing | a large message keeps a Pong waiting until the peer gives up | | `a_pong_leaves_inside_a_large_message` |
//! | framing | bytes beside those lent are written | | `buffers_are_not_written_beside_what_is_lent` |
//! | masking | one key for the whole connection | CVE-2025-10148 | `each_frame_has_a_key_of_its_own` |
//! | masking | keys out of a predictable generator | | `keys_come_from_the_callers_entropy`, `no_client_without_entropy` |
//! | masking | a client does not mask, or does not check the accept value | | `a_client_masks_and_checks_the_accept_value` |
//! | masking | whoever writes the payload chooses the bytes on the wire (RFC 6455 10.3) | | `the_payload_does_not_choose_the_wire` |
//! | masking | a proxy takes a refusal for an upgrade | | `another_version_is_refused_and_the_connection_closed` |
//! | compression | a message's size is looked at before it is inflated, and not behind | CVE-2018-1000518 | `the_length_declared_says_nothing_of_what_comes_out` |
//! | compression | what comes out has no limit: mebibytes become gibibytes | GHSA-frh3-6pv6-rc8j | `a_gibibyte_in_a_mebibyte_costs_what_is_lent` |
//! | compression | the same, in other words: by other codes, in many fragments, inside of another, behind blocks that say nothing | CVE-2026-1526 | `a_bomb_ends_at_the_limit`, `a_bomb_in_many_fragments_ends_at_the_limit`, `a_bomb_in_a_bomb_is_inflated_once`, `blocks_without_bytes_cost_what_they_are_long` |
//! | compression | a window of no such size, or of the least, goes to zlib unchecked | CVE-2026-2229 | `windows_are_8_to_15_in_digits_and_nothing_else`, `a_window_of_8_bits_is_served_and_kept_to` |
//! | compression | parameters that are none are taken, or a list that is none; an answer goes beyond the offer | | `parameters_that_are_none_are_refused`, `lists_that_break_the_grammar_fail_the_handshake`, `an_answer_outside_of_the_offer_fails_the_client` |
//! | compression | a crafted frame is inflated beside the memory for it | CVE-2026-29035 | `damaged_streams_write_nothing_beside_what_is_lent` |
//! | compression | the tail is put behind the message, where the next frame is | | `inflating_a_frame_leaves_the_one_behind_as_it_came` |
//! | compression | a tail in two frames is not understood | | `the_tail_may_be_cut_anywhere`, `the_same_is_seen_however_a_stream_is_cut` |
//! | compression | crafted streams read before the history, or bring the tables out of order | RUSTSEC-2024-0401, CVE-2022-37434 | `symbols_that_do_not_exist_are_refused`, `sets_of_codes_that_do_not_fit_are_refused`, `repetitions_of_lengths_end_where_the_lengths_do`, `stored_blocks_whose_lengths_disagree_are_refused`, `nothing_before_the_start_is_reached`, `nothing_outside_of_the_window_is_reached`, `a_message_cut_anywhere_is_an_error_or_all_of_it` |
//! | compression | the bit of a compressed message stands where it means nothing | | `the_bit_stands_nowhere_but_at_the_front_of_a_message` |
//! | compression | memory that serves one connection after the other hands on what was in it | | `nothing_of_one_connection_is_seen_by_the_next`, `unfinished_codes_are_not_those_of_the_next_connection` |
//! | compression | a secret and a stranger's text share a window, and lengths tell them apart (RFC 7692 8) | | `equal_messages_are_equally_long_unless_takeover_is_asked_for`, `each_direction_has_a_history_of_its_own` |
//! | requests | two servers read two ends of one request: lengths with signs, twice, beside chunks, too large to be counted | RUSTSEC-2020-0031, RUSTSEC-2020-0093, RUSTSEC-2021-0020, RUSTSEC-2021-0078, RUSTSEC-2021-0079, RUSTSEC-2021-0081, CVE-2023-34188 | `lengths_that_others_read_otherwise_are_refused`, `sizes_of_chunks_that_others_read_otherwise_are_refused` |
//! | requests | a line break gets into a head: by a host, a subprotocol, a type, a function | CVE-2026-1527, RUSTSEC-2024-0009, RUSTSEC-2017-0002 | `no_line_break_gets_into_a_head` |
//! | requests | what was asked for is in the answer, and runs in a page | | `what_a_request_says_is_not_said_back` |
//! | requests | the name of a function begins a file of another type | CVE-2014-4671 | `a_function_is_a_name_and_nothing_else` |
//! | requests | any page of the world reads by a script | | `a_script_of_another_page_gets_nothing` |
//! | requests | the origin is looked at for WebSockets and not for what stands in for them, or the other way round | CVE-2019-13611, CVE-2025-24010 | `a_page_of_another_server_is_refused_whatever_it_asks` |
//! | requests | a stranger's name is pointed at a server in somebody's own network | | `a_name_that_anybody_can_point_here_is_not_ours` |
//! | requests | a body of 100 MB is taken | CVE-2020-36048 | `a_body_too_large_is_refused_before_it_comes` |
//! | requests | a parameter is looked up among the members of an object | CVE-2023-31125 | `names_of_what_every_object_has_mean_nothing` |
//! | requests | a request that drips has all the time | | `a_request_has_one_deadline_however_it_drips` |
//! | requests | a head, or a list in it, is looked at from its beginning with each read, or from each of its elements | CVE-2023-43669, CVE-2021-32640, CVE-2020-7662, CVE-2020-7663 | `a_head_of_megabytes_is_read_once`, `lists_of_megabytes_are_read_once`, `answers_of_megabytes_are_read_once` |
//! | events | a line break in what is said begins a field or an event of a stream | GHSA-4hxc-9384-m385, GHSA-p6xx-57qc-3wxr | `no_text_begins_a_field_or_an_event`, `no_text_ends_a_line_of_json` |
//! | teardown | a handshake without a deadline, or with one for each read | | `one_deadline_for_the_whole_handshake` |
//! | teardown | the closing handshake waits for ever | | `the_closing_handshake_ends_whatever_the_peer_does` |
//! | teardown | the peer's end is seen, and the connection kept | | `the_peers_end_is_answered_by_ours` |
//! | teardown | honest peers that send single bytes are taken for hostile ones | | `single_bytes_are_no_attack` |
//!
//! Of sockets, and so shown by the adapters' tests: a handle dropped leaves its transport open; states of TCP behind the
//! close outlive it; churn leaks descriptors; slow handshakes take all slots.

#[path = "../common/mod.rs"]
mod common;

mod bombs;
mod closing;
mod compression;
mod events;
mod floods;
mod framing;
mod lengths;
mod lent;
mod lists;
mod masking;
mod requests;
mod streams;
mod terms;

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn the_table_names_every_test_and_no_other() {
    let sources = [
        include_str!("bombs.rs"),
        include_str!("closing.rs"),
        include_str!("compression.rs"),
        include_str!("events.rs"),
        include_str!("floods.rs"),
        include_str!("framing.rs"),
        include_str!("lengths.rs"),
        include_str!("lists.rs"),
        include_str!("masking.rs"),
        include_str!("requests.rs"),
        include_str!("streams.rs"),
        include_str!("terms.rs"),
    ];
    let mut tests: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.split("#[test]\nfn ").skip(1))
        .map(|rest| rest.split('(').next().unwrap())
        .collect();
    let rows = include_str!("main.rs").lines().filter(|line| line.starts_with("//! | ")).skip(1);
    let named =
        rows.filter_map(|row| row.rsplit(" | ").next()).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let mut named: Vec<&str> = named.collect();
    tests.sort_unstable();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named, tests);
}
