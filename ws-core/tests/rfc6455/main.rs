//! RFC 6455, rule by rule. Hold this table beside the document: each MUST, SHOULD and REQUIRED that binds an endpoint, in
//! order, in our words, and the test that holds us to it. Rules for whoever drives the core are marked *adapter* or
//! *application*, with the place where they are met; those for others, with whom they bind. MAYs stand here where a peer
//! may rely on them. Errata are taken in. The tests are in one file for each section.
//!
//! | section | level | the rule | test |
//! | --- | --- | --- | --- |
//! | 3 | MUST NOT | a URI has no fragment | `a_target_with_a_fragment_is_neither_sent_nor_taken` |
//! | 3 | MUST | a `#` that is no fragment's is escaped | `an_escaped_number_sign_is_a_part_of_the_path` |
//! | 4.1 | MUST | the parts of the URI are valid, or the client fails | `a_host_or_target_that_no_uri_holds_is_refused` |
//! | 4.1 | MUST | one connection to a host is being opened at a time | application: the core knows one connection, and no address |
//! | 4.1 | SHOULD | few connections wait at a time if addresses are unknown | application: as above |
//! | 4.1 | SHOULD | a proxy that is configured is used; it is asked for host and port | application: any transport will do, a proxied one too |
//! | 4.1 | MUST | a script that chooses the proxy is given the URI | application: no such scripts here |
//! | 4.1 | SHOULD | without a proxy, TCP goes straight to the host | adapter: connects to host and port |
//! | 4.1 | MUST | a transport that does not open is a failure | adapter: the error of connecting is returned |
//! | 4.1 | MUST | secure: TLS before the handshake, and for all behind it | adapter: a TLS stream is a transport as another |
//! | 4.1 | MUST | TLS names the server (SNI) | adapter: whoever makes the TLS stream |
//! | 4.1 | MUST | with the transport open, the client sends its handshake; 1: it is a valid HTTP request | `the_request_is_a_valid_http_request` |
//! | 4.1 | MUST | 2: a GET of HTTP/1.1 | `the_request_is_a_get_of_http_1_1` |
//! | 4.1 | MUST | 3: for the resource name | `the_request_target_is_the_resource_name` |
//! | 4.1 | MUST | 4: with Host, and the port if it is not the default | `the_request_names_host_and_port` |
//! | 4.1 | MUST | 5: with Upgrade: websocket | `the_request_asks_to_upgrade_to_websocket` |
//! | 4.1 | MUST | 6: with Connection: Upgrade | `the_request_asks_to_upgrade_the_connection` |
//! | 4.1 | MUST | 7: with a key, which is a nonce of 16 bytes in Base64 | `the_key_is_sixteen_bytes_in_base64` |
//! | 4.1 | MUST | 7: drawn anew for each connection | `the_key_is_drawn_anew_for_each_connection` |
//! | 4.1 | MUST | 8: a browser sends Origin | `the_origin_is_sent_if_there_is_one` |
//! | 4.1 | MUST | 9: with version 13 | `the_version_asked_for_is_13` |
//! | 4.1 | MAY | 10: with subprotocols, those preferred first | `subprotocols_go_out_in_order_of_preference` |
//! | 4.1 | MUST | 10: which are tokens, and unique | `subprotocols_offered_are_tokens_and_unique` |
//! | 4.1 | MAY | 11: with extensions | `no_extension_is_offered` |
//! | 4.1 | MAY | 12: with further fields | `further_fields_go_out_but_none_of_the_handshakes_own` |
//! | 4.1 | MUST | the client then waits for the response | `nothing_goes_out_behind_the_request`; adapter: makes the connection from the response on |
//! | 4.1 | MUST | the response is checked; 1: a status that is not 101 is HTTP's | `another_status_than_101_is_handed_on_as_http` |
//! | 4.1 | MUST | 2: no Upgrade, or not to websocket: fail | `a_response_must_upgrade_to_websocket` |
//! | 4.1 | MUST | 3: no Connection with the token Upgrade: fail | `a_response_must_upgrade_the_connection` |
//! | 4.1 | MUST | 4: no accept value, or another than the key's: fail | `a_response_must_prove_that_it_read_the_key` |
//! | 4.1 | MUST | 5: an extension that was not asked for: fail | `a_response_must_not_use_an_extension_that_was_not_offered` |
//! | 4.1 | MUST | 6: a subprotocol that was not asked for: fail | `a_response_must_not_use_a_subprotocol_that_was_not_offered` |
//! | 4.1 | MUST | a response against 4.2.2 otherwise: fail | `a_response_that_breaks_http_fails` |
//! | 4.1 | must | names of fields are read in any case; errata: in any order | `the_response_in_any_order_and_case` |
//! | 4.1 | must | the subprotocol in use is what the response says | `the_subprotocol_in_use_is_what_the_server_chose` |
//! | 4.1 | must | cookies of the response are kept | `cookies_of_the_response_can_be_read`; application: keeps them |
//! | 4.1 | must | the connection is open from the end of the response on | `bytes_behind_the_response_are_frames` |
//! | 4.2.1 | MUST | a request against the grammar is not read further, and gets an HTTP error | `nothing_is_read_behind_a_request_that_is_malformed` |
//! | 4.2.1 | MUST | 1: GET, HTTP/1.1 or above | `a_request_must_be_a_get_of_http_1_1` |
//! | 4.2.1 | should | 1: the target is the resource name, or a URI with it | `the_request_target_is_the_resource_asked_for` |
//! | 4.2.1 | MUST | 2: Host | `a_request_must_name_its_host` |
//! | 4.2.1 | MUST | 3: Upgrade with websocket, in any case | `a_request_must_ask_to_upgrade_to_websocket` |
//! | 4.2.1 | MUST | 4: Connection with Upgrade, in any case | `a_request_must_ask_to_upgrade_the_connection` |
//! | 4.2.1 | MUST | 5: a key, which is 16 bytes in Base64 | `a_request_must_have_a_key_of_sixteen_bytes_in_base64` |
//! | 4.2.1 | MUST | 6: version 13 | `a_request_must_ask_for_version_13` |
//! | 4.2.1 | SHOULD NOT | 7: without Origin it is not taken for a browser's | `a_request_without_an_origin_is_not_taken_for_a_browsers` |
//! | 4.2.1 | MUST | 8: subprotocols follow the grammar | `subprotocols_that_break_the_grammar_are_refused` |
//! | 4.2.1 | MUST | 9: extensions follow the grammar | `extensions_that_break_the_grammar_fail_the_handshake` |
//! | 4.2.1 | must | 10: unknown fields are ignored | `unknown_fields_are_ignored` |
//! | 4.2.1 | must | the order of fields does not matter | `the_request_in_any_order_and_case` |
//! | 4.2.2 | MUST | secure: TLS first, and for all behind it | adapter: a TLS stream is a transport as another |
//! | 4.2.2 | MUST | whoever is not to be accepted gets an HTTP error | `an_origin_not_let_in_is_answered_with_403` |
//! | 4.2.2 | MUST | a version not spoken gets an HTTP error and the versions that are | `a_version_not_spoken_is_told_those_that_are` |
//! | 4.2.2 | MUST | a resource that is not there gets an HTTP error | `a_service_not_there_is_answered_with_an_http_error`; application: routes |
//! | 4.2.2 | MAY | the server redirects, or asks for credentials | `a_service_not_there_is_answered_with_an_http_error` |
//! | 4.2.2 | MUST | the subprotocol is one that the client offered | `the_subprotocol_chosen_is_one_of_those_offered` |
//! | 4.2.2 | MUST NOT | without agreement on one, there is no such field | `without_a_subprotocol_agreed_on_there_is_no_such_field` |
//! | 4.2.2 | MUST | extensions are among those offered; MUST NOT: others are not listed | `no_extension_is_agreed_on` |
//! | 4.2.2 | MUST | who accepts answers with a valid 101: Upgrade, Connection | `the_response_is_a_101_with_all_its_fields` |
//! | 4.2.2 | MUST | and the accept value | `the_accept_value_is_made_of_the_key_as_it_came` |
//! | 4.2.2 | MAY | from then on both may send | `bytes_behind_the_request_are_frames` |
//! | 4.4 | MUST | the client asks for the version it speaks | `the_version_asked_for_is_13` |
//! | 4.4 | MUST | the server that does not speak it says which it does | `a_version_not_spoken_is_told_those_that_are` |
//! | 4.4 | MAY | the client then asks for one of those | `a_client_told_another_version_can_read_which` |
//! | 5.1 | MUST | a client masks all frames | `a_client_masks_every_frame` |
//! | 5.1 | MUST | a server closes on one that is not masked, with 1002 | `a_server_closes_on_an_unmasked_frame` |
//! | 5.1 | MUST NOT | a server masks no frame | `a_server_masks_no_frame` |
//! | 5.1 | MUST | a client closes on one that is masked, with 1002 | `a_client_closes_on_a_masked_frame` |
//! | 5.2 | MUST | RSV1 to 3 are 0 without an extension | `no_reserved_bit_is_sent` |
//! | 5.2 | MUST | a bit that means nothing: fail | `a_reserved_bit_fails_the_connection` |
//! | 5.2 | MUST | an opcode that means nothing: fail | `an_unknown_opcode_fails_the_connection` |
//! | 5.2 | MUST | lengths have their shortest form | `lengths_go_out_in_their_shortest_form` |
//! | 5.2 | MUST | and are refused in others | `a_length_not_in_its_shortest_form_fails_the_connection` |
//! | 5.2 | MUST | the top bit of a 64-bit length is 0 | `a_length_with_its_top_bit_set_is_neither_taken_nor_sent` |
//! | 5.2 | must | lengths are in network byte order | `lengths_are_in_network_byte_order` |
//! | 5.2 | must | the length is that of the payload alone | `the_length_does_not_count_the_masking_key` |
//! | 5.2 | MUST | extension data is 0 bytes unless negotiated | `without_extensions_all_payload_is_the_applications` |
//! | 5.3 | MUST | each frame has a fresh key | `each_frame_has_a_fresh_masking_key` |
//! | 5.3 | MUST | the key comes from strong entropy, MUST NOT be guessed from the one before | `masking_keys_are_what_the_entropy_gave`; adapter: lends a strong one |
//! | 5.3 | must | byte i is masked with byte i modulo 4 of the key; the length stays | `masking_is_an_exclusive_or_with_the_key_over_and_over` |
//! | 5.4 | MUST | fragments are delivered in order | `fragments_are_delivered_in_order` |
//! | 5.4 | MUST | and sent in order | `fragments_go_out_in_order` |
//! | 5.4 | MUST NOT | messages are not interleaved | `a_message_inside_another_is_neither_taken_nor_sent` |
//! | 5.4 | must | a continuation continues something | `a_fragment_without_a_message_fails_the_connection` |
//! | 5.4 | MUST | control frames between fragments are handled | `control_frames_between_fragments_are_handled` |
//! | 5.4 | MAY | and can be sent there | `control_frames_can_go_out_between_fragments` |
//! | 5.4 | MUST | messages are received whole and in fragments, of any size | `fragments_of_any_size_are_taken` |
//! | 5.4 | MUST NOT | control frames are not fragmented | `control_frames_are_not_fragmented` |
//! | 5.4 | MUST NOT | fragmentation is not changed behind the endpoints' backs | intermediaries: this is none |
//! | 5.4 | MUST | all fragments are of the kind of the first | `all_fragments_are_of_the_kind_of_the_first` |
//! | 5.5 | MUST | control frames have 125 bytes or fewer | `a_control_frame_has_at_most_125_bytes` |
//! | 5.5 | MUST NOT | and are not fragmented | `control_frames_are_not_fragmented` |
//! | 5.5.1 | MUST | the body of a Close begins with a code of two bytes | `a_close_begins_with_a_code_of_two_bytes` |
//! | 5.5.1 | must | the reason behind it is UTF-8 | `a_reason_that_is_not_utf_8_fails_the_connection` |
//! | 5.5.1 | MUST NOT | users are not shown the reason | application: `close_reason` says that it is for logs |
//! | 5.5.1 | must | a client masks its Close | `a_client_masks_every_frame` |
//! | 5.5.1 | MUST NOT | no data behind a Close | `no_data_goes_out_behind_a_close` |
//! | 5.5.1 | MUST | a Close is answered with a Close | `a_close_is_answered_with_a_close` |
//! | 5.5.1 | SHOULD | as soon as can be | `a_close_is_answered_before_anything_else_is_read` |
//! | 5.5.1 | MUST | behind both, TCP is closed: by the server at once, SHOULD: the client waits for it | `behind_both_closes_the_server_shuts_down_and_the_client_waits`; adapter: does it |
//! | 5.5.1 | should | Closes that cross close both ends | `closes_that_cross_close_both_ends` |
//! | 5.5.2 | MUST | a Ping is answered with a Pong, unless the peer's Close came before | `a_ping_is_answered_with_a_pong` |
//! | 5.5.2 | SHOULD | as soon as can be | `a_pong_goes_out_before_other_frames`; application: not while inside `begin` |
//! | 5.5.2 | MAY | a Ping is sent at any time while open | `a_ping_can_go_out_while_the_connection_is_open` |
//! | 5.5.3 | MUST | a Pong has the payload of its Ping | `a_ping_is_answered_with_a_pong` |
//! | 5.5.3 | MAY | a Pong comes unasked; it is not answered | `a_pong_is_not_answered` |
//! | 5.6 | MUST | a text is UTF-8 as a whole; its frames need not be | `a_text_may_be_cut_inside_a_character`; application: `send` takes bytes |
//! | 5.6 | must | a binary message is any bytes | `a_binary_message_may_hold_any_bytes` |
//! | 5.7 | must | the examples | `the_examples_of_the_document` |
//! | 5.8 | MUST | extensions are negotiated in the handshake | `no_extension_is_offered`, `no_extension_is_agreed_on` |
//! | 6.1 | MUST | 1: the connection is open | `nothing_is_sent_unless_the_connection_is_open` |
//! | 6.1 | MUST | 1: sending stops when that changes | `a_message_is_broken_off_when_the_state_changes` |
//! | 6.1 | MUST | 2: data goes in a frame, or a series of them | `a_message_goes_out_as_a_frame_or_several` |
//! | 6.1 | MUST | 3: the first says text or binary | `the_first_frame_says_what_the_message_is` |
//! | 6.1 | MUST | 4: the last has FIN set | `the_last_frame_and_no_other_has_fin_set` |
//! | 6.1 | MUST | 5: a client masks them | `a_client_masks_every_frame` |
//! | 6.1 | MUST | 7: they go to the transport | `all_that_is_sent_is_in_the_output`; adapter: writes it out |
//! | 6.2 | MUST | what comes is read as frames | `fragments_of_any_size_are_taken` |
//! | 6.2 | MUST | control frames are handled as 5.5 says | `control_frames_between_fragments_are_handled` |
//! | 6.2 | MUST | the kind of the data is noted | `the_kind_is_noted_with_each_piece` |
//! | 6.2 | must | the message is the payload of all its fragments | `a_message_is_the_payload_of_all_its_fragments` |
//! | 6.2 | MUST | what follows belongs to a new message | `behind_the_last_fragment_a_new_message_begins` |
//! | 6.2 | MUST | a server removes the masking | `a_server_removes_the_masking` |
//! | 7.1.1 | SHOULD | TCP and TLS are closed cleanly | adapter: FIN (or TLS's own end) when `wants_shutdown`, then reads to the end |
//! | 7.1.1 | SHOULD | bytes behind are discarded | `bytes_behind_the_peers_close_are_discarded` |
//! | 7.1.1 | SHOULD | the server closes TCP first; the client waits for it | `behind_both_closes_the_server_shuts_down_and_the_client_waits` |
//! | 7.1.1 | MAY | but not for ever | `a_client_gives_up_a_server_that_does_not_close` |
//! | 7.1.2 | MUST | to begin the closing handshake is to send a Close with code and reason | `a_closing_handshake_begins_with_our_code_and_reason` |
//! | 7.1.2 | SHOULD | who has sent and received one closes | `closes_that_cross_close_both_ends` |
//! | 7.1.3 | must | either Close makes the state CLOSING | `either_close_makes_the_state_closing` |
//! | 7.1.4 | must | the end of TCP makes it CLOSED, cleanly behind both Closes | `the_end_of_the_transport_makes_the_state_closed` |
//! | 7.1.5 | must | the code is that of the first Close received; 1005, 1006 without | `the_code_is_that_of_the_peers_close` |
//! | 7.1.6 | must | so is the reason; empty without | `the_reason_is_that_of_the_peers_close` |
//! | 7.1.7 | MUST | to fail is to close; SHOULD: with a Close frame and a code first | `a_failure_sends_a_close_and_shuts_down` |
//! | 7.1.7 | SHOULD | a server logs the problem | application: each error says what it is |
//! | 7.1.7 | MUST NOT | nothing of the peer's is processed behind a failure | `nothing_is_processed_behind_a_failure` |
//! | 7.1.7 | SHOULD NOT | a client does not close but for these reasons | `nothing_is_closed_without_a_reason` |
//! | 7.2.1 | MUST | a transport lost is a failure | `a_transport_lost_ends_the_connection` |
//! | 7.2.2 | MUST | a server that gives up the handshake closes | `a_handshake_refused_closes_the_connection`; adapter: does it |
//! | 7.2.3 | SHOULD | who reconnects waits: at random first, then longer and longer | application: nothing here reconnects |
//! | 7.3 | SHOULD NOT | a client does not close as it likes | `nothing_is_closed_without_a_reason`; application: calls `close` |
//! | 7.4.1 | MUST NOT | 1005, 1006 and 1015 (and 1004) are never in a Close | `codes_that_are_never_on_the_wire_cannot_be_sent` |
//! | 7.4.1 | must | the codes mean what the list says | `each_failure_has_its_code` |
//! | 7.4.2 | must | 0 to 999 are not used; 1000 to 2999 as defined; 3000 to 4999 are free | `codes_out_of_the_ranges_are_neither_sent_nor_taken` |
//! | 8.1 | MUST | what should be UTF-8 and is not: fail; in messages | `text_that_is_not_utf_8_fails_the_connection` |
//! | 8.1 | must | and only then | `text_that_is_utf_8_passes` |
//! | 8.1 | MUST | in the reason of a Close | `a_reason_that_is_not_utf_8_fails_the_connection` |
//! | 8.1 | MUST | in the handshake | `a_handshake_that_is_not_utf_8_fails` |
//! | 9 | MUST NOT | a server uses no extension that the client did not ask for | `no_extension_is_agreed_on` |
//! | 9 | MUST | parameters are as the extension defines them | application: there is none to have any |
//! | 9.1 | MUST | a field against the grammar: fail at once | `extensions_that_break_the_grammar_fail_the_handshake` |
//! | 9.1 | MUST | names are registered, parameters defined | application: none is named here |
//! | 9.1 | MUST NOT | a client does not use what the server did not agree to | `no_reserved_bit_is_sent` |
//! | 9.1 | MUST | a quoted value is a token | `a_quoted_value_is_a_token` |
//! | 9.1 | must | the order of extensions counts | `extensions_keep_their_order` |
//! | 10.2 | SHOULD | a server for certain pages checks Origin, and answers others with 403 | `an_origin_not_let_in_is_answered_with_403` |
//! | 10.3 | MUST | each frame has a new key, which applications cannot predict | `each_frame_has_a_fresh_masking_key`, `masking_keys_are_what_the_entropy_gave` |
//! | 10.3 | must | the payload is fixed before its frame begins to go out | application: `send` takes it whole; `begin` says so |
//! | 10.4 | MUST | who has limits keeps them; on messages | `limits_on_messages_hold_from_the_header_on` |
//! | 10.4 | MUST | on fragments | `limits_on_fragments_hold` |
//! | 10.4 | MUST | of lent memory | `a_message_longer_than_its_buffer_is_refused` |
//! | 10.4 | MUST | on heads | `limits_on_the_opening_handshake_hold` |
//! | 10.6 | MUST | TLS is supported; SHOULD: and used | adapter: a TLS stream is a transport as another |
//! | 10.7 | MUST | what comes is always checked; SHOULD: a Close with a code answers what is invalid | `data_that_is_invalid_is_never_delivered` |
//! | 10.7 | SHOULD | a handshake that is invalid gets an HTTP status | `nothing_is_read_behind_a_request_that_is_malformed` |
//! | 11.3.1 | MUST NOT | Sec-WebSocket-Key stands once in a request | `a_second_key_is_refused` |
//! | 11.3.2 | MAY | Sec-WebSocket-Extensions stands several times in a request | `extensions_may_stand_on_several_lines_of_a_request` |
//! | 11.3.2 | MUST NOT | and once in a response | `extensions_on_two_lines_of_a_response_fail` |
//! | 11.3.3 | MUST NOT | Sec-WebSocket-Accept stands once | `a_second_accept_value_fails` |
//! | 11.3.4 | MAY | Sec-WebSocket-Protocol stands several times in a request | `subprotocols_may_stand_on_several_lines_of_a_request` |
//! | 11.3.4 | MUST NOT | and once in a response | `a_second_subprotocol_in_a_response_fails` |
//! | 11.3.5 | MUST NOT | Sec-WebSocket-Version stands once in a request | `a_second_version_is_refused` |
//! | 11.3 | MUST NOT | nor do we send any of them twice | `no_field_is_sent_twice` |

#[path = "../common/mod.rs"]
mod common;
mod frames;
mod opening;
mod section_10;
mod section_11;
mod section_3;
mod section_4_1;
mod section_4_2;
mod section_5;
mod section_5_5;
mod section_6;
mod section_7;
mod section_8;
mod section_9;

/// The sources of the tests, in the order of the document.
const SOURCES: [&str; 11] = [
    include_str!("section_3.rs"),
    include_str!("section_4_1.rs"),
    include_str!("section_4_2.rs"),
    include_str!("section_5.rs"),
    include_str!("section_5_5.rs"),
    include_str!("section_6.rs"),
    include_str!("section_7.rs"),
    include_str!("section_8.rs"),
    include_str!("section_9.rs"),
    include_str!("section_10.rs"),
    include_str!("section_11.rs"),
];

/// The rows of the table: section, level, rule, test.
fn rows() -> Vec<[&'static str; 4]> {
    let lines = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let cells = lines.map(|line| line.trim_end_matches(" |").split(" | ").collect::<Vec<_>>());
    cells.skip(2).map(|cells| cells.try_into().expect("a row has four cells")).collect()
}

/// The tests that a row names.
fn named(row: [&'static str; 4]) -> Vec<&'static str> {
    let [_, _, _, tests] = row;
    let ours = tests.split(';').next().filter(|ours| ours.starts_with('`')).unwrap_or_default();
    ours.split('`').filter(|name| name.contains('_')).collect()
}

/// The names of the tests in a source.
fn tests_in(source: &'static str) -> Vec<&'static str> {
    let behind = source.split("#[test]\nfn ").skip(1);
    behind.map(|text| text.split('(').next().unwrap_or_default()).collect()
}

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn every_rule_has_its_test_and_every_test_its_rule() {
    let rows = rows();
    assert!(rows.len() > 150, "{} rows were read", rows.len());
    let tests: Vec<_> = SOURCES.into_iter().flat_map(tests_in).collect();
    let marks = SOURCES.iter().map(|source| source.matches("#[test]").count()).sum::<usize>();
    assert_eq!(marks, tests.len(), "a test was missed by this one");
    for row in &rows {
        let names = named(*row);
        for name in &names {
            assert!(tests.contains(name), "there is no test {name}");
        }
        let by_others = ["adapter: ", "application: ", "intermediaries: "];
        assert!(
            !names.is_empty() || by_others.iter().any(|who| row[3].starts_with(who)),
            "nobody meets the rule {row:?}"
        );
    }
    let named: Vec<_> = rows.iter().flat_map(|row| named(*row)).collect();
    for test in &tests {
        assert!(named.contains(test), "{test} is not in the table");
    }
}

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn the_table_is_in_the_order_of_the_document() {
    let number = |section: &str| section.split('.').map(|n| n.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let levels = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "must", "should"];
    let rows = rows();
    for row in &rows {
        assert!(levels.contains(&row[1]), "{row:?}");
        assert!(!row[2].is_empty() && !row[2].contains('"'), "{row:?}");
    }
    for pair in rows.windows(2).filter(|pair| pair[1][0] != "11.3") {
        assert!(number(pair[0][0]) <= number(pair[1][0]), "{} stands before {}", pair[0][0], pair[1][0]);
    }
}
