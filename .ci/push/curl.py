"""The suite `curl`: clients that are no browsers. curl itself, where it can; else raw sockets: HTTP/1.0, bodies in chunks, `Expect`,
pipelining, HEAD, entity tags, gzip."""

import json
import subprocess
import tempfile
from pathlib import Path

from raw import Raw

TIME = 20  # seconds for one command
ECHO = "echo:"


def run(check, port):
    check("HTTP/1.0: a poll, by curl", old_poll, port)
    check("HTTP/1.0: connections that are kept, as `ab -k` does", old_keep_alive, port)
    check("HTTP/1.0: a stream has no chunks", old_stream, port)
    check("a stream by curl", stream, port)
    check("a body in chunks, by curl, comes back as an echo", in_chunks, port)
    check("`Expect: 100-continue`, by curl", expect, port)
    check("`Expect` of a body that is too long: 413, and no 100", refuse, port)
    check("pipelining: answers in the order of the requests", pipeline, port)
    check("a poll that waits makes way for what is behind it", make_way, port)
    check("HEAD: the fields of GET, and no body; the connection goes on", head, port)
    check("entity tag: 304 for who has it", content, port, False)


def curl(*args, stdin=b""):
    """What curl says on both its outputs."""
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(TIME), *args], input=stdin, capture_output=True, timeout=TIME + 5)
    assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
    return done.stdout, done.stderr.decode(errors="replace")


def url(port, rest):
    return f"http://127.0.0.1:{port}{rest}"


def events(body):
    answer = json.loads(body)
    return answer["next"], answer["events"]


def session(port):
    """A new one: its name, and the cursor to go on behind."""
    body, _ = curl(url(port, "/push?s="))
    since, told = events(body)
    return told[0]["open"]["sid"], since


def old_poll(port):
    said, _ = curl("--http1.0", "-i", url(port, "/push?s="))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"content-length:" in head.lower() and b"chunked" not in head.lower(), head
    assert "open" in events(body)[1][0], body


def old_keep_alive(port):
    count = 50
    with Raw(port) as raw:
        for _ in range(count):
            raw.send("GET /push.js HTTP/1.0\nHost: HOST\nConnection: keep-alive\n\n")
            status, fields, body = raw.response()
            assert status == 200 and fields.get("connection", "").lower() == "keep-alive" and len(body) > 1000, (status, fields)
        raw.send("GET /push.js HTTP/1.0\nHost: HOST\n\n")
        status, fields, body = raw.response()
        assert status == 200 and raw.rest() == b""
    return f"{count} requests on one connection, which ends behind one that asks for it"


def old_stream(port):
    with Raw(port) as raw:
        raw.send("GET /push?as=xhr HTTP/1.0\nHost: HOST\n\n")
        status, fields = raw.head()
        assert status == 200 and "transfer-encoding" not in fields and "content-length" not in fields, (status, fields)
        for _ in range(5):
            json.loads(raw.until(b"\n"))
        return "its end is that of the connection"


def stream(port):
    """curl ends when it has waited long enough, with what came."""
    args = ["curl", "-sS", "-N", "-i", "--noproxy", "*", "--max-time", "1", url(port, "/push?as=sse")]
    said = subprocess.run(args, capture_output=True, timeout=TIME).stdout.decode()
    assert "Content-Type: text/event-stream" in said, said[:300]
    numbers = [json.loads(json.loads(line[6:])["data"])["n"] for line in said.splitlines() if line.startswith("data: ") and '"data"' in line]
    assert len(numbers) >= 10 and numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    return f"{len(numbers)} events in a second"


def upload(port, args):
    """Two messages in one request, whose echoes a poll brings; gives what curl tells of it."""
    sid, since = session(port)
    said, log = curl("-v", *args, "-H", "Content-Type: text/plain", "--data-binary", "@-", url(port, f"/push?s={sid}&n=1"),
                     stdin=b"t5:hello" + b"t6:gr\xc3\xbc\xc3\x9f")
    assert json.loads(said) == {"ack": 2}, said
    heard = []
    while len(heard) < 2:
        since, told = events(curl(url(port, f"/push?s={sid}&since={since}&wait=5000"))[0])
        heard += [event["data"] for event in told if event.get("data", "").startswith(ECHO)]
    assert heard == [ECHO + "hello", ECHO + "grüß"], heard
    return log


def in_chunks(port):
    log = upload(port, ["-H", "Transfer-Encoding: chunked"])
    assert "Content-Length: 1" not in log.partition("< ")[0], log


def expect(port):
    log = upload(port, ["-H", "Expect: 100-continue"])
    assert "100 Continue" in log, log
    return "it was told to go on"


def refuse(port):
    sid, _ = session(port)
    with Raw(port) as raw:
        raw.send(f"POST /push?s={sid}&n=1 HTTP/1.1\nHost: HOST\nContent-Length: 1000000000\nExpect: 100-continue\n\n")
        status, fields, _ = raw.response()
        assert status == 413, status
        assert raw.rest() == b""
    # Chunks do not say how many there will be; what they hold is too long a message.
    with Raw(port) as raw:
        raw.send(f"POST /push?s={sid}&n=1 HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n")
        raw.send(b"a\r\nt99999999:\r\n")
        status = raw.response()[0]
        assert status in (400, 413), status
    return f"in chunks {status}"


def pipeline(port):
    sid, since = session(port)
    get = f"GET /push?s={sid}&since={since} HTTP/1.1\nHost: HOST\n\n"
    post = f"POST /push?s={sid}&n=1 HTTP/1.1\nHost: HOST\nContent-Type: text/plain\nContent-Length: 5\n\n"
    with Raw(port) as raw:
        raw.send(get + post)
        raw.send(b"t2:hi")
        raw.send("HEAD /push.js HTTP/1.1\nHost: HOST\n\nGET /nowhere HTTP/1.1\nHost: HOST\n\n" + get)
        answers = [raw.response(), raw.response(), raw.response(is_head=True), raw.response(), raw.response()]
    statuses = [status for status, _, _ in answers]
    assert statuses[0] in (200, 204) and statuses[1:] == [200, 200, 404, 200], statuses
    assert json.loads(answers[1][2]) == {"ack": 1}, answers[1]
    assert any(event.get("data") == ECHO + "hi" for event in events(answers[4][2])[1]), answers[4]
    return " ".join(map(str, statuses))


def make_way(port):
    sid, since = session(port)
    with Raw(port) as raw:
        poll = f"GET /push?s={sid}&since={since}&wait=60000 HTTP/1.1\nHost: HOST\n\n"
        raw.send(poll + "GET /push.js HTTP/1.1\nHost: HOST\n\n")
        statuses = [raw.response()[0], raw.response()[0]]
    assert statuses[0] in (200, 204) and statuses[1] == 200, statuses
    return " ".join(map(str, statuses))


def head(port):
    with Raw(port) as raw:
        raw.send("HEAD /push.js HTTP/1.1\nHost: HOST\n\nGET /push.js HTTP/1.1\nHost: HOST\n\n")
        _, of_head, _ = raw.response(is_head=True)
        _, of_get, body = raw.response()
        assert of_head == of_get and int(of_get["content-length"]) == len(body), (of_head, of_get)
        raw.send("HEAD /push?as=sse HTTP/1.1\nHost: HOST\n\nGET /push.js HTTP/1.1\nHost: HOST\nConnection: close\n\n")
        status, fields, _ = raw.response(is_head=True)
        assert status == 200 and fields["content-type"].startswith("text/event-stream"), (status, fields)
        if "close" not in fields.get("connection", ""):
            assert raw.response()[0] == 200
        assert raw.rest() == b""


def content(port, is_gzip):
    """Content that lies ready: the script of the client."""
    with tempfile.TemporaryDirectory(prefix="push-") as temp:
        tag, script = Path(temp, "tag"), Path(temp, "push.js")
        args = ["-w", "%{http_code} %{size_download}", "-o", script, "--compressed", url(port, "/push.js")]
        said, log = curl("-v", "--etag-save", tag, *args)
        status, size = said.decode().split()
        assert status == "200" and tag.read_text().strip().strip('"'), (said, log)
        text = script.read_text()
        assert "PushSocket" in text, text[:200]
        assert ("content-encoding: gzip" in log.lower()) == is_gzip, log
        said, _ = curl("--etag-compare", tag, *args)
        assert said == b"304 0", said
        return f"{size} bytes{' of gzip' if is_gzip else ''}, {len(text)} of script; then 304"
