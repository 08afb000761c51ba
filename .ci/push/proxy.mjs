// What stands between a browser and a server here, each on a port of its own: `cutter` passes bytes on and breaks connections at
// moments that it is told; `meddler` speaks HTTP, and does to requests and responses what proxies on the way do. Both give the
// page of `lane.html` at PAGE, so that a page and what it listens to are of one origin. Not here: what is checked.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, createServer as createHttp, request as ask } from 'node:http';
import { connect, createServer } from 'node:net';

export const PAGE = '/-/lane';
const page = readFileSync(new URL('lane.html', import.meta.url));

// How an event begins, in each form of them.
const EVENT = /(?:\{"id":"|id: )\d+/;

/**
 * Passes on what is meant for `url`, byte by byte. `requests` are the heads that came: `line`, `lastEventId`, `at` (milliseconds).
 *
 * `cut(how)` breaks the next connection that carries an event, and ends when it has:
 * - `reset`: both ends get a reset, and the event is lost
 * - `fin`: half of the event comes, then the end of the connection
 * - `stall`: nothing comes any more
 */
export async function cutter(url) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  const requests = [];
  let armed = null;
  let cutAt = 0; // how many requests had come

  const listener = createServer({ allowHalfOpen: true }, (near) => {
    hold(near);
    near.once('data', (first) => {
      if (isForPage(first)) return near.end(answer());
      const far = hold(connect({ port: Number(port), host: hostname, allowHalfOpen: true }));
      for (const socket of [near, far]) socket.setNoDelay(true);
      note(first, requests);
      far.write(first);
      near.on('data', (bytes) => (note(bytes, requests), pass(far, bytes, near)));
      far.on('data', (bytes) => (armed && EVENT.test(bytes.toString('latin1')) ? breakAt(bytes, near, far) : pass(near, bytes, far)));
      for (const [from, to] of [[near, far], [far, near]]) {
        from.on('end', () => to.end());
        from.on('close', () => to.destroy());
      }
    });
  });

  function hold(socket) {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  }

  function breakAt(bytes, near, far) {
    const { how, done } = armed;
    armed = null;
    if (how === 'reset') [near, far].forEach((socket) => socket.resetAndDestroy());
    if (how === 'fin') {
      const { index, 0: begin } = EVENT.exec(bytes.toString('latin1'));
      near.end(bytes.subarray(0, index + begin.length + 1));
      far.destroy();
    }
    if (how === 'stall') {
      for (const socket of [near, far]) {
        socket.removeAllListeners('data');
        socket.pause();
      }
    }
    cutAt = requests.length;
    done();
  }

  await listen(listener);
  return {
    url: address(listener),
    requests,
    cut: (how) => new Promise((done) => (armed = { how, done })),
    /** Waits until somebody listens again behind the latest cut; false: nobody did within so many milliseconds. */
    async isBack(limit) {
      const end = Date.now() + limit;
      const isBack = () => requests.slice(cutAt).some(({ line }) => line.startsWith('GET') && !line.includes('&d='));
      while (!isBack() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
      return isBack();
    },
    end() {
      listener.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

/**
 * Passes on what is meant for `url`, request by request, except that
 * - `strip`: it does not know of upgrades: they go on as plain requests
 * - `refuse`: upgrades are answered with this status
 * - `hold`: a response waits until it has ended, or so many bytes of it have come
 * - `longest`: a connection is cut so many milliseconds after its request came
 * - `deny`: a response of this media type is answered with 403
 * - `deafTo`: requests with this method are answered with 403
 */
export async function meddler(url, { strip, refuse, hold, longest, deny, deafTo }) {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: false });
  const sockets = new Set();

  const listener = createHttp((request, response) => {
    if (request.url.startsWith(PAGE)) return response.writeHead(200, { 'Content-Type': 'text/html' }).end(page);
    if (request.method === deafTo) return response.writeHead(403).end();
    const { upgrade, connection, ...headers } = request.headers;
    const out = ask({ hostname, port, agent, method: request.method, path: request.url, headers });
    const cut = longest && setTimeout(() => (out.destroy(), request.socket.destroy()), longest);
    out.on('error', () => request.socket.destroy());
    out.on('response', (answer) => pour(answer, response));
    response.on('close', () => (clearTimeout(cut), out.destroy()));
    request.pipe(out);
  });

  function pour(answer, response) {
    if (deny && answer.headers['content-type']?.startsWith(deny)) {
      answer.destroy();
      return response.writeHead(403).end();
    }
    const { connection, 'transfer-encoding': coding, ...headers } = answer.headers;
    response.writeHead(answer.statusCode, headers);
    let held = [];
    const flush = () => (held.length && response.write(Buffer.concat(held)), (held = []));
    answer.on('data', (bytes) => {
      held.push(bytes);
      if (!hold || held.reduce((sum, { length }) => sum + length, 0) >= hold) flush();
    });
    answer.on('end', () => (flush(), response.end()));
    answer.on('error', () => response.destroy());
  }

  // Who does not listen for upgrades gets them as plain requests.
  if (!strip) {
    listener.on('upgrade', (request, near, head) => {
      near.on('error', () => near.destroy());
      if (refuse) return near.end(`HTTP/1.1 ${refuse} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      const far = connect(Number(port), hostname);
      const lines = request.rawHeaders.map((text, at) => (at % 2 ? `${text}\r\n` : `${text}: `)).join('');
      far.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
      far.write(head);
      if (longest) setTimeout(() => [near, far].forEach((socket) => socket.destroy()), longest).unref();
      for (const [from, to] of [[near, far], [far, near]]) {
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    });
  }
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await listen(listener);
  return {
    url: address(listener),
    end() {
      listener.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

function note(bytes, requests) {
  const text = bytes.toString('latin1');
  const line = /^(?:GET|POST) (\S+) HTTP\/1\.1\r\n/.exec(text);
  if (!line) return;
  const field = /\r\nlast-event-id: *(.*?)\r\n/i.exec(text.split('\r\n\r\n')[0] + '\r\n');
  requests.push({ line: line[0].trim(), lastEventId: field?.[1] ?? null, at: Date.now() });
}

/** Keeps no more than the sink can take. */
function pass(to, bytes, from) {
  if (to.destroyed || to.writableEnded || to.write(bytes)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

const isForPage = (bytes) => bytes.toString('latin1', 0, 4 + PAGE.length) === `GET ${PAGE}`;

const answer = () => Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n`), page,
]);

async function listen(listener) {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
}

const address = (listener) => `http://127.0.0.1:${listener.address().port}`;
