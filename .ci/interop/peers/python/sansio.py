"""The library wsproto as a peer; it does no I/O, so that this brings its own. `sansio.py server EXTENSION...`: listens once for
each and says where; `sansio.py compressed EXTENSION URL...`: the scenario with compression."""

import asyncio
import sys
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection, events
from wsproto.connection import ConnectionState
from wsproto.extensions import PerMessageDeflate

import scenario


class Connection:
    """One end of a WebSocket over asyncio's streams."""

    def __init__(self, reader, writer, role, extension):
        self.reader, self.writer = reader, writer
        self.ws = WSConnection(role)
        self.extensions = [PerMessageDeflate(**scenario.parameters(extension))]
        self.events = iter(())

    async def put(self, event):
        self.writer.write(self.ws.send(event))
        await self.writer.drain()

    async def next(self):
        """The next event; answers Pings, but not once the Close was sent."""
        while True:
            for event in self.events:
                if not isinstance(event, events.Ping):
                    return event
                if self.ws.state is ConnectionState.OPEN:
                    await self.put(event.response())
            data = await self.reader.read(1 << 16)
            self.ws.receive_data(data or None)
            self.events = self.ws.events()

    async def recv(self):
        """The next message; None after the Close, which is answered."""
        pieces = []
        while True:
            event = await self.next()
            if isinstance(event, events.Message):
                pieces.append(event.data)
                if event.message_finished:
                    return type(event.data)().join(pieces)
            elif isinstance(event, events.CloseConnection):
                self.closed = event
                if self.ws.state is ConnectionState.REMOTE_CLOSING:
                    await self.put(event.response())
                return None

    async def send(self, message):
        pieces = message if isinstance(message, list) else [message]
        for n, piece in enumerate(pieces):
            kind = events.TextMessage if isinstance(piece, str) else events.BytesMessage
            await self.put(kind(data=piece, message_finished=n + 1 == len(pieces)))

    async def close(self, code, reason):
        await self.put(events.CloseConnection(code=code, reason=reason))
        while await self.recv() is not None:
            pass
        await self.end()
        return self.closed.code

    async def end(self):
        self.writer.close()
        await self.writer.wait_closed()


async def connect(url, extension):
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    connection = Connection(reader, writer, ConnectionType.CLIENT, extension)
    subprotocols, extensions = scenario.OFFERED, connection.extensions
    await connection.put(events.Request(place.netloc, "/", extensions=extensions, subprotocols=subprotocols))
    answer = await connection.next()
    assert isinstance(answer, events.AcceptConnection), answer
    return connection


async def serve(extensions):
    for extension in extensions:

        async def answer(reader, writer, extension=extension):
            await answer_one(Connection(reader, writer, ConnectionType.SERVER, extension))

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        print("listening", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()


async def answer_one(connection):
    await connection.next()  # the request
    await connection.put(events.AcceptConnection(subprotocol=scenario.SPOKEN, extensions=connection.extensions))
    while (message := await connection.recv()) is not None:
        await connection.send(scenario.fragments() if message == "please fragment" else message)
    print("closed", connection.closed.code, connection.closed.reason, flush=True)
    await connection.end()


what, *args = sys.argv[1:]
asyncio.run(serve(args) if what == "server" else scenario.run_compressed(connect, args))
