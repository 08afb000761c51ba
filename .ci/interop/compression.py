"""The pairs that compress (permessage-deflate, RFC 7692), and what is asked of each: `run_group`.

A `Case` is one connection, with what either end was told to agree on. The clients do the scenario of
`peers/rust/src/compressed.rs`, and see each message come back as it was. What goes over the wire is judged here, by a tap between
the two ends: the offer and the answer, which frames are compressed, what that saves, whether the context is taken over,
fragments, and the end."""

import contextlib
import re
from dataclasses import dataclass
from itertools import cycle, groupby, product

import install
from install import GORILLA, HERE, NODE, OURS, PYTHON, Trouble
from process import Process, run_to_end, start_proxy
from tap import Broken, Tap, read

# Seconds.
GROUP_TIME = 120
END_TIME = 5

NAME = "permessage-deflate"
BOTH_ALONE = f"{NAME}; server_no_context_takeover; client_no_context_takeover"

# How each peer is started; an extension for each connection follows.
SERVERS = {
    "ours": [OURS, "server"],
    "websockets": [PYTHON, HERE / "peers/python/peer.py", "server"],
    "wsproto": [PYTHON, HERE / "peers/python/sansio.py", "server"],
    "ws": [NODE, HERE / "peers/node/ws.mjs", "server"],
    "faye": [NODE, HERE / "peers/node/faye.mjs", "server"],
    "gorilla": [GORILLA, "server"],
}
CLIENTS = {
    "ours": [OURS, "compressed"],
    "websockets": [PYTHON, HERE / "peers/python/peer.py", "compressed"],
    "wsproto": [PYTHON, HERE / "peers/python/sansio.py", "compressed"],
    "ws": [NODE, HERE / "peers/node/ws.mjs", "compressed"],
    "faye": [NODE, HERE / "peers/node/faye.mjs", "compressed"],
    "undici": [NODE, HERE / "peers/node/whatwg.mjs", "undici", "compressed"],
    "node": [NODE, "--experimental-websocket", HERE / "peers/node/whatwg.mjs", "builtin", "compressed"],
    "gorilla": [GORILLA, "compressed"],
}
# They inflate, and send plain.
PLAIN_SENDERS = {"undici", "node"}
NEVER_FRAGMENT = PLAIN_SENDERS | {"faye"}


@dataclass(frozen=True)
class Case:
    client: str
    offer: str  # what the client was told to offer
    server: str
    terms: str  # what the server was told to agree on
    answer: str  # what it has to answer; windows of 15 bits may go unsaid; empty: it declines
    proxy: str | None = None
    refused: str | None = None  # what the client has to say to that answer, if it is to go no further

    @property
    def pair(self):
        return self.client, self.proxy, self.server


def extension(server_bits=None, client_bits=None, server_alone=False, client_alone=False):
    """As it stands in `Sec-WebSocket-Extensions`. Alone is each message, if there is no context takeover."""
    return "; ".join(
        [
            NAME,
            *["server_no_context_takeover"] * server_alone,
            *["client_no_context_takeover"] * client_alone,
            *[f"server_max_window_bits={server_bits}"] * bool(server_bits),
            *[f"client_max_window_bits={client_bits}"] * bool(client_bits),
        ]
    )


def without(text, name):
    return re.sub(f"; {name}[^;]*", "", text)


WINDOWS = [(bits, 24 - bits) for bits in range(9, 16)]  # the server's, the client's
TAKEOVERS = list(product((False, True), repeat=2))
# Every window with every takeover; every window, and every takeover, of each direction.
ALL = [extension(*bits, *alone) for bits in WINDOWS for alone in TAKEOVERS]
SOME = [extension(*bits, *alone) for bits, alone in zip(WINDOWS, cycle(TAKEOVERS))]


def cases():
    for peer, told in {"websockets": ALL, "ws": ALL, "wsproto": SOME, "faye": SOME}.items():
        # What they are told, and ours takes anything.
        yield from (Case(peer, text, "ours", NAME, text) for text in told)
        for text in told:
            # Those two do not say what nobody asked for.
            answer = without(text, "server_max") if peer in ("wsproto", "faye") else text
            yield Case("ours", NAME, peer, text, answer)
        # What ours is told, and they take anything; of its own window it says nothing unless asked.
        for text in SOME:
            asked = text if peer == "wsproto" else without(text, "server_max")
            yield Case(peer, NAME, "ours", text, asked)
            yield Case("ours", text, peer, NAME, without(text, "client_max"))
    # 256 bytes. Node's zlib takes twice that for it, and refers no farther back than 250; others cannot do it at all. So ours asks
    # nobody for it who has not offered it.
    eight, nine = extension(8, 8), extension(9, 9)
    yield Case("ws", eight, "ours", NAME, eight)
    yield Case("ws", eight, "ours", eight, eight)
    yield from (Case(peer, NAME, "ours", eight, "") for peer in ("ws", "websockets", "wsproto", "faye", "undici"))
    yield Case("ours", eight, "ws", extension(None, 8), eight)
    yield Case("faye", eight, "ours", NAME, eight)
    yield Case("ours", eight, "faye", extension(None, 8), eight)
    yield Case("websockets", extension(8, 9), "ours", NAME, extension(8, 9))
    yield Case("ours", NAME, "websockets", extension(None, 8), extension(None, 8))
    # These decline what they cannot do.
    yield Case("ours", eight, "websockets", NAME, "")
    yield Case("ours", eight, "wsproto", NAME, "")
    # Whoever cannot be told anything.
    yield Case("undici", NAME, "ours", NAME, NAME)
    yield Case("undici", NAME, "ours", nine, extension(None, 9))
    yield Case("undici", NAME, "ours", BOTH_ALONE, BOTH_ALONE)
    yield Case("node", NAME, "ours", NAME, NAME)
    yield Case("node", NAME, "ours", BOTH_ALONE, BOTH_ALONE)
    # An answer that lacks either parameter is an error to this client; this server gives both to whoever asks.
    yield Case("gorilla", NAME, "ours", NAME, BOTH_ALONE)
    yield Case("gorilla", NAME, "ours", extension(12, None), BOTH_ALONE)
    yield Case("ours", NAME, "gorilla", NAME, BOTH_ALONE)
    yield Case("ours", BOTH_ALONE, "gorilla", NAME, BOTH_ALONE)
    # It would not keep to our window, and says so by saying nothing.
    why = "the server does not keep to the window asked for"
    yield Case("ours", extension(9, None), "gorilla", NAME, BOTH_ALONE, refused=why)
    for proxy in "nginx", "haproxy":
        for client in "ours", "websockets", "undici":
            yield Case(client, NAME, "ours", NAME, NAME, proxy)
            yield Case(client, NAME, "ours", BOTH_ALONE, BOTH_ALONE, proxy)
        yield Case("ours", nine, "ws", NAME, extension(9, None), proxy)


def groups():
    """Cases by their pair, which share one process for the client and one for the server."""
    pairs = sorted(cases(), key=lambda case: tuple(name or "" for name in case.pair))
    return [list(group) for _, group in groupby(pairs, key=lambda case: case.pair)]


def run_group(group, report):
    """Reports on each case of one pair: `report(check, why)`."""
    client, proxy, server = group[0].pair
    if client == "node" and not install.node_has_websocket():
        raise Trouble("this Node has no WebSocket of its own. Install Node 22, or 20.10 at least: see https://nodejs.org")
    with contextlib.ExitStack() as stack:
        terms = [case.terms for case in group]
        if server == "gorilla":
            terms = terms[:1]  # it has one way
        ports = stack.enter_context(Process([*SERVERS[server], *terms])).ports(len(terms))
        taps, args = [], []
        for case, port in zip(group, cycle(ports)):
            chain = [stack.enter_context(Tap(port))]
            if proxy:
                chain.insert(0, stack.enter_context(Tap(start_proxy(stack, proxy, chain[0].port))))
            taps.append(chain)
            args += [case.offer, f"ws://127.0.0.1:{chain[0].port}/"]
        told = run_to_end([*CLIENTS[client], *args], GROUP_TIME)
        for n, (case, chain) in enumerate(zip(group, taps)):
            why = told.pop(str(n), "not reported")
            if case.refused:
                why = None if re.match(case.refused, why or "") else f"it was not refused: {why or 'no error'}"
            report(title(case), why or judge(case, chain))
        for check, why in told.items():
            report(check, why or "not asked for")


def title(case):
    offer = case.offer.removeprefix(NAME + "; ") if case.offer != NAME else "anything"
    terms = case.terms.removeprefix(NAME + "; ") if case.terms != NAME else "anything"
    outcome = ", refused" if case.refused else "" if case.answer else ", declined"
    return f"offered {offer}, taken {terms}{outcome}"


def judge(case, chain):
    """Says what is wrong with what went over the wire; None: nothing."""
    for tap in chain:
        tap.wait(END_TIME)
    near, far = chain[0], chain[-1]
    try:
        agreed = check_handshake(case, near)
        if case.refused:
            return None
        if any(near.extensions(sender) != far.extensions(sender) for sender in near.bytes):
            return "the proxy has changed the extensions"
        if any(near.body(sender) != far.body(sender) for sender in near.bytes):
            return "the proxy has changed the frames"
        streams = {sender: read_stream(near, sender, agreed) for sender in near.bytes}
        check_messages(streams)
        for sender, stream in streams.items():
            check_sender(sender, getattr(case, sender), agreed, stream)
        for sender in near.bytes:
            if near.ended.get(sender) != "ended":
                return f"the {sender} did not end: {near.ended.get(sender, 'it is still there')}"
    except Broken as broken:
        return str(broken)
    return None


def read_stream(tap, sender, agreed):
    if not agreed:
        return read(tap.body(sender))
    return read(tap.body(sender), agreed[f"{sender}_max_window_bits"], takes_over(agreed, sender))


def takes_over(agreed, sender):
    return f"{sender}_no_context_takeover" not in agreed


def parameters(text):
    """Those of an extension, with the windows that go unsaid."""
    name, *params = (param.strip() for param in text.split(";"))
    if name != NAME:
        raise Broken(f"{text!r} is not {NAME}")
    read = {"server_max_window_bits": 15, "client_max_window_bits": 15}
    split = [param.partition("=")[::2] for param in params]
    if len({key for key, _ in split}) < len(split):
        raise Broken(f"a parameter twice in {text!r}")
    return read | {key: int(value) if value else True for key, value in split}


def check_handshake(case, tap):
    """Returns the parameters agreed on; None: nothing was."""
    offer, answer = tap.extensions("client"), tap.extensions("server")
    if case.client == "ours":
        # Its own window it does not tell, and that of the server it leaves out if it does not matter.
        wanted = without(case.offer, "client_max").replace("; server_max_window_bits=15", "") + "; client_max_window_bits"
        if offer != wanted:
            raise Broken(f"offered {offer!r}, not {wanted!r}")
    else:
        told = BOTH_ALONE if case.client == "gorilla" else case.offer
        if lacking := set(told.split("; ")) - set(re.split("; ?", offer)):
            raise Broken(f"offered {offer!r}, which lacks {', '.join(sorted(lacking))}")
    if not (answer or case.answer):
        return None
    agreed = parameters(answer)
    if agreed != parameters(case.answer):
        raise Broken(f"answered {answer!r}, not {case.answer!r}, to {offer!r}")
    return agreed


# Messages of the scenario, by their place in it.
SHORT, AT_THRESHOLD, JSON, NOISE, LARGE, FRAGMENTS, ASKED = slice(4), 4, 5, 7, 9, 10, 11
SERIES = slice(12, 44)


def check_messages(streams):
    """The same went to and fro."""
    client, server = (streams[sender].messages for sender in ("client", "server"))
    if not len(client) == len(server) == SERIES.stop:
        raise Broken(f"{len(client)} messages went to the server and {len(server)} came back, not {SERIES.stop}")
    for n, (there, back) in enumerate(zip(client, server)):
        if n != ASKED and (there.text, there.payload) != (back.text, back.payload):
            raise Broken(f"message {n} came back as another")


def check_sender(sender, name, agreed, stream):
    def check(is_so, what):
        if not is_so:
            raise Broken(f"the {sender}, {name}: {what}")

    messages = stream.messages
    if name not in NEVER_FRAGMENT:
        # Ours may have compressed the other into one.
        n = FRAGMENTS if sender == "client" or name == "ours" else ASKED
        check(messages[n].frames > 1, f"message {n} has no fragments")
    check(stream.close and stream.close[:2] == (4002).to_bytes(2, "big"), f"its Close holds {stream.close}")
    if not agreed or name in PLAIN_SENDERS:
        return
    for n in JSON, LARGE:
        check(messages[n].compressed, f"message {n} is not compressed")
        shrunk = len(messages[n].wire) / len(messages[n].payload)
        check(shrunk < 0.5, f"message {n} takes {shrunk:.0%} of its length")
    each = sum(len(m.wire) for m in messages[SERIES]) / sum(len(m.payload) for m in messages[SERIES])
    if takes_over(agreed, sender):
        check(each < 0.4, f"similar messages take {each:.0%} of their length, for all that was taken over")
    else:
        check(each > 0.6, f"similar messages take {each:.0%} of their length, though nothing is taken over")
    if name == "ours":
        check(not any(message.compressed for message in messages[SHORT]), "short messages are compressed")
        check(messages[AT_THRESHOLD].compressed, "a message at the threshold is not compressed")
        # At most a window is stored at once, after a header of 5 bytes.
        grown = len(messages[NOISE].wire) / len(messages[NOISE].payload)
        check(grown < 1.02, f"what has no pattern takes {grown:.1%} of its length")
