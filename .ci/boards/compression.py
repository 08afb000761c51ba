"""The suite `compression`: what a board agrees to and what it declines, to the letter, and messages by zlib behind each. The
suite `autobahn` has its cases of compression; here is what those do not look at."""

import json
import zlib

import wire
from wire import CLOSE, TEXT, WebSocket

NAME = "permessage-deflate"
BITS = 9  # of the windows of the firmware, 512 bytes
LIMITED = f"client_max_window_bits={BITS}"

# Bit of the first byte of a message: it is compressed. And what its sender has removed from its end (RFC 7692 7.2.1).
RSV1 = 0x40
TAIL = b"\0\0\xff\xff"

# What is offered, and what the board agrees to: it has to hold the client to its window, and lets nothing be said that was
# not asked for. None: nothing, and messages are plain.
OFFERS = [
    (f"{NAME}; client_max_window_bits", f"{NAME}; {LIMITED}"),
    (f"{NAME}; client_max_window_bits=15", f"{NAME}; {LIMITED}"),
    (f"{NAME}; client_max_window_bits=9", f"{NAME}; {LIMITED}"),
    (f'{NAME}; client_max_window_bits="12"', f"{NAME}; {LIMITED}"),
    (f"{NAME}; server_max_window_bits=15; client_max_window_bits", f"{NAME}; server_max_window_bits=9; {LIMITED}"),
    (f"{NAME}; server_no_context_takeover; client_max_window_bits", f"{NAME}; server_no_context_takeover; {LIMITED}"),
    (f"{NAME}; client_no_context_takeover; client_max_window_bits", f"{NAME}; client_no_context_takeover; {LIMITED}"),
    # The next offer, where the first one will not do.
    (f"{NAME}, {NAME}; client_max_window_bits", f"{NAME}; {LIMITED}"),
    (f"{NAME}; mux=1, x-webkit-deflate-frame, {NAME}; client_max_window_bits", f"{NAME}; {LIMITED}"),
    # Of a client that cannot be held to so small a window, as Firefox.
    (NAME, None),
    (f"{NAME}; client_no_context_takeover; server_no_context_takeover", None),
    (f"{NAME}; server_max_window_bits=9", None),
    # What means nothing, or not here.
    (f"{NAME}; client_max_window_bits=7", None),
    (f"{NAME}; client_max_window_bits=16", None),
    (f"{NAME}; client_max_window_bits=09", None),
    (f"{NAME}; client_max_window_bits; client_max_window_bits", None),
    (f"{NAME}; client_max_window_bits; server_max_window_bits", None),
    (f"{NAME}; client_max_window_bits; server_no_context_takeover=1", None),
    (f"{NAME}; client_max_window_bits; window=9", None),
    ("x-webkit-deflate-frame", None),
]


def run(report, machine):
    port = machine.port
    for offer, answer in OFFERS:
        words = offer.replace(NAME, "deflate")
        report.check(f"{words}: {'agreed to' if answer else 'declined'}", agree, port, offer, answer)
    report.check("the state each half second", live, port)
    report.check("a message that would become a megabyte", bomb, port)


def agree(port, offer, answer):
    with open_with(port, offer) as ws:
        agreed = ws.fields.get("sec-websocket-extensions")
        assert agreed == answer, f"the board says {agreed}"
        if not answer:
            ws.echo(b"as it is")
            ws.close()
            return None
        codec = Codec(answer)
        text = ("Mit vielem Getöse rauscht der Bach. " * 40).encode()
        first, second = [echo(ws, codec, text) for _ in range(2)]
        ws.close()
        return f"{answer.removeprefix(NAME)[2:]}; {len(text)} bytes come back in {first}, then in {second}"


def echo(ws, codec, text):
    """Sends a message compressed, in two fragments, and sees it come back; as how many bytes."""
    payload = codec.deflate(text)
    ws.sock.sendall(wire.frame(payload[:9], TEXT | RSV1, fin=False) + wire.frame(payload[9:], 0))
    answer, is_compressed = receive(ws)
    assert is_compressed, "plain"
    assert codec.inflate(answer) == text, "something else came back"
    return len(answer)


def live(port):
    with open_with(port, OFFERS[0][0], "/live") as ws:
        codec, wired, told = Codec(ws.fields["sec-websocket-extensions"]), 0, 0
        for _ in range(10):
            payload, is_compressed = receive(ws)
            text = codec.inflate(payload) if is_compressed else payload
            assert "temperature" in json.loads(text), text
            wired, told = wired + len(payload), told + len(text)
        ws.close()
    assert 2 * wired < told, f"{wired} bytes for {told}"
    return f"{wired} bytes for {told}"


def bomb(port):
    with open_with(port, OFFERS[0][0], "/live") as ws:
        payload = Codec(OFFERS[0][1]).deflate(b"0" * (1 << 20))
        ws.sock.sendall(wire.frame(payload, TEXT | RSV1))
        while (answer := ws.receive())[0] != CLOSE:
            pass
    code = int.from_bytes(answer[1][:2], "big")
    assert code == 1009, f"closed with {code}"
    return f"{len(payload)} bytes: 1009"


def open_with(port, offer, path="/echo"):
    return wire.retry(lambda: WebSocket(port, path, [("Sec-WebSocket-Extensions", offer)]))[0]


def receive(ws):
    """The payload of the next message as it came, and whether it is compressed."""
    first, payload = ws.receive_frame()
    while not first & 128:
        more, rest = ws.receive_frame()
        assert more & 0x7f == 0, f"a fragment begins with {more:#x}"
        first, payload = first | more & 128, payload + rest
    assert first & 15 == TEXT, f"a message begins with {first:#x}"
    return payload, bool(first & RSV1)


class Codec:
    """A client's two halves by zlib, in the windows agreed on."""

    def __init__(self, answer):
        self.server_keeps = "server_no_context_takeover" not in answer
        self.client_keeps = "client_no_context_takeover" not in answer
        self.deflater = self.new_deflater()
        self.inflater = zlib.decompressobj(-BITS)

    def new_deflater(self):
        return zlib.compressobj(wbits=-BITS)

    def deflate(self, text):
        if not self.client_keeps:
            self.deflater = self.new_deflater()
        payload = self.deflater.compress(text) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return payload.removesuffix(TAIL)

    def inflate(self, payload):
        if not self.server_keeps:
            self.inflater = zlib.decompressobj(-BITS)  # which fails on what refers to an earlier message
        return self.inflater.decompress(payload + TAIL)
