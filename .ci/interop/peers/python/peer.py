"""The library `websockets` as a peer. `peer.py server`: listens and says where; `peer.py client URL`: checks. The scenario
is that of ../rust/src/lib.rs. `peer.py server EXTENSION...`: listens once for each that it is to agree on, such as
`permessage-deflate; server_max_window_bits=9`; `peer.py compressed EXTENSION URL...`: the scenario with compression."""

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from scenario import CLIENT_CLOSE, OFFERED, PATTERN, SERVER_CLOSE, SPOKEN, UNICODE, fragments, parameters, run_compressed

def close_received(ws):
    close = ws.protocol.close_rcvd
    return (close.code, close.reason) if close else None


async def run_server(extensions):
    async with contextlib.AsyncExitStack() as stack:
        for extension in extensions or [None]:
            how = {} if extension is None else {"extensions": [ServerPerMessageDeflateFactory(**parameters(extension))]}
            server = await stack.enter_async_context(
                serve(answer, "127.0.0.1", 0, subprotocols=[SPOKEN], max_size=None, **how)
            )
            print("listening", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


async def answer(ws):
    with contextlib.suppress(ConnectionClosed):
        async for message in ws:
            await answer_one(ws, message)
    print("closed", *(close_received(ws) or ("without a Close",)), flush=True)


async def answer_one(ws, message):
    if message == "please ping":
        await (await ws.ping("interop"))
        await ws.send("pong")
    elif message == "please fragment":
        await ws.send(fragments())
    elif isinstance(message, str) and message.startswith("please close "):
        code, reason = message.removeprefix("please close ").split(" ", 1)
        await ws.close(int(code), reason)
    else:
        await ws.send(message)


async def run_client(url):
    async def check(name, work):
        try:
            await work
            print("ok", name, flush=True)
        except Exception as error:
            print(f"FAILED {name}: {error!r:.200}", flush=True)

    async def equal(got, wanted):
        assert got == wanted, f"got {got!r:.80}, not {wanted!r:.80}"

    async def echoes(*messages, send=None):
        for message in messages:
            await ws.send(message if send is None else send)
            await equal(await ws.recv(), message)

    async def ping():
        await (await ws.ping("interop"))

    async def fragments_received():
        await ws.send("please fragment")
        await equal(await ws.recv(), PATTERN)

    async def ping_received():
        answer = "not yet"
        while answer == "not yet":
            await ws.send("please ping")
            answer = await ws.recv()
        await equal(answer, "pong")

    async def close():
        await ws.close(*CLIENT_CLOSE)
        await equal(close_received(ws)[0], CLIENT_CLOSE[0])

    async def closed_by_server():
        async with connect(url, subprotocols=OFFERED) as ws:
            await ws.send(f"please close {SERVER_CLOSE[0]} {SERVER_CLOSE[1]}")
            await ws.wait_closed()
            await equal(close_received(ws), SERVER_CLOSE)

    ws = await connect(url, subprotocols=OFFERED, max_size=None)  # offers permessage-deflate
    await check("subprotocol", equal(ws.subprotocol, SPOKEN))
    await check("no extension", equal(ws.protocol.extensions, []))
    await check("text", echoes("hello"))
    await check("unicode", echoes(UNICODE))
    await check("binary", echoes(bytes(range(256))))
    await check("empty", echoes("", b""))
    await check("1 MiB binary", echoes(PATTERN))
    await check("1 MiB text", echoes("é" * (1 << 19)))
    await check("fragments sent", echoes(PATTERN, send=fragments()))
    await check("fragments received", fragments_received())
    await check("ping sent", ping())
    await check("ping received", ping_received())
    await check("close by client", close())
    await check("close by server", closed_by_server())


async def connect_compressed(url, extension):
    offer = ClientPerMessageDeflateFactory(**parameters(extension))
    ws = await connect(url, subprotocols=OFFERED, max_size=None, extensions=[offer])
    close = ws.close

    async def close_and_tell(code, reason):
        await close(code, reason)
        return close_received(ws)[0]

    ws.close = close_and_tell
    return ws


what, *args = sys.argv[1:]
if what == "server":
    asyncio.run(run_server(args))
elif what == "client":
    asyncio.run(run_client(*args))
else:
    asyncio.run(run_compressed(connect_compressed, args))
