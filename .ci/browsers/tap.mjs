// A tap between a browser and a server: passes on all bytes, and keeps what each connection began with and which frames came
// from the server. So what is on the wire is known without asking either end. It reads no payload.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Listens on a port of its own for what is meant for `url`. `connections` are in the order in which they came. */
export async function tap(url) {
  const { hostname, port } = new URL(url);
  const connections = [];
  const listener = createServer((browser) => {
    const server = connect(Number(port), hostname);
    const connection = { request: new Head(), response: new Head(), frames: new Frames() };
    connections.push(connection);
    browser.on('data', (bytes) => connection.request.take(bytes));
    server.on('data', (bytes) => connection.frames.take(connection.response.take(bytes)));
    for (const [from, to] of [[browser, server], [server, browser]]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { url: `http://127.0.0.1:${listener.address().port}/`, connections, end: () => listener.close() };
}

/** The lines before the first empty one. */
class Head {
  #bytes = Buffer.alloc(0);
  #isWhole = false;

  /** Returns what comes behind it. */
  take(bytes) {
    if (this.#isWhole) return bytes;
    const all = Buffer.concat([this.#bytes, bytes]);
    const end = all.indexOf('\r\n\r\n');
    this.#isWhole = end !== -1;
    this.#bytes = this.#isWhole ? all.subarray(0, end) : all;
    return this.#isWhole ? all.subarray(end + 4) : Buffer.alloc(0);
  }

  get line() {
    return this.#bytes.toString('latin1').split('\r\n')[0];
  }

  /** The values of all fields of that name; `null`: there is none. */
  field(name) {
    const lines = this.#bytes.toString('latin1').split('\r\n').slice(1).map((line) => line.split(/:\s*(.*)/s));
    const values = lines.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value.trim());
    return values.length === 0 ? null : values.join(', ');
  }
}

/** Frames that are not masked: RFC 6455 5.2. */
class Frames {
  #bytes = Buffer.alloc(0);
  #end = 0;
  /** Their first byte, the length of their payload, and at which byte behind the head they end. */
  list = [];

  take(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const [first, short] = this.#bytes;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#bytes.length < head) return;
      const long = { 4: () => this.#bytes.readUInt16BE(2), 10: () => Number(this.#bytes.readBigUInt64BE(2)) }[head];
      const length = long?.() ?? short;
      if (this.#bytes.length < head + length) return;
      this.#bytes = this.#bytes.subarray(head + length);
      this.#end += head + length;
      this.list.push({ first, length, end: this.#end });
    }
  }
}
