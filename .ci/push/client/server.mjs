// A reference server of the push transports, as small as it can be, that makes trouble on purpose: what the client is held to.
// It speaks the contract of ws-core/src/transport/mod.rs. Not here: limits, security, HTTP by hand.
//
// const server = await serve({ seed: 7, cut: 30 }); server.publish('text'); server.session.send(buffer); await server.close();
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const FIRST = 2 ** 32 - 300; // the numbers of the events for all wrap on the way

/** Numbers that look random, the same each time (mulberry32). */
export function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `trouble`, which may be changed at any time:
 * - `seed`
 * - `cut`: connections break after about so many events or messages, in the middle of one
 * - `repeat`: a stream begins with events that came already, with this probability
 * - `fail`: a POST breaks before, within or after its messages, with this probability
 * - `refuse`: WebSockets are refused; `hold`: streams are held back until they end; `longest`: ms that a connection may last
 * - `mute`: nothing is written to a stream behind `open`; `ping`: ms; `full`: so many requests get 503
 * - `pages`: HTML at paths, for real browsers
 * - `jsonp`: false refuses scripts, `posts`: false any POST; `most`: bytes of a message, 413 above; `deaf`: a POST gets no answer
 */
export async function serve(trouble = {}) {
  const random = dice(trouble.seed || 1);
  const shared = [];
  const sessions = new Map();
  const listeners = new Set();
  const counts = { cuts: 0, posts: 0, failed: 0, gaps: 0, pings: 0, requests: [] };
  let oldest = 0; // events before it have left the ring
  let names = 0;
  let newest; // session

  const chance = (p) => random() < p;
  const cutAfter = () => (trouble.cut ? 1 + Math.floor(random() * 2 * trouble.cut) : Infinity);
  const wake = () => listeners.forEach((listener) => listener.pump());
  const idOf = ({ all, own }) => `${(FIRST + all) >>> 0}${own ? `.${own}` : ''}`;

  function openSession() {
    const session = { sid: `session-${String(++names).padStart(16, '0')}`, own: [], got: [], received: 0, turn: 0, isOver: false };
    session.send = (data) => (session.own.push(data), wake());
    session.end = (code = 1000, reason = '') => {
      sessions.delete(session.sid);
      session.isOver = [code, reason];
      wake();
    };
    session.accept = (n, data) => {
      if (n > session.received + 1) return false;
      if (n === session.received + 1) {
        session.received = n;
        session.got.push(data);
        server.onmessage(data, session);
      }
      return true;
    };
    sessions.set(session.sid, session);
    return (newest = session);
  }

  /** Who asks, and what it has still to be given: a generator of events, which ends when there is nothing now. */
  function listener(query, lastEventId) {
    const known = sessions.get(query.get('s'));
    const session = known || openSession();
    const turn = ++session.turn;
    const [all, own] = (lastEventId || query.get('since') || '').split('.');
    const at = { all: all ? (all - FIRST) >>> 0 : shared.length, own: (known && +own) || 0 };
    if (chance(trouble.repeat || 0)) Object.assign(at, { all: Math.max(oldest, at.all - 3), own: Math.max(0, at.own - 2) });
    let opens = true;
    return {
      session, at,
      isNew: !known || !all,
      isCurrent: () => turn === session.turn,
      * events(ping) {
        if (opens && ping !== undefined) yield { id: idOf(at), open: { sid: session.sid, ping } };
        opens = false;
        while (this.isCurrent()) {
          let data;
          if (at.all > shared.length || at.all < oldest) {
            at.all = oldest;
            yield { id: idOf(at), reset: 1 };
          }
          if (at.own < session.own.length) data = session.own[at.own++];
          else if (at.all < shared.length) data = shared[at.all++];
          else break;
          yield typeof data === 'string' ? { id: idOf(at), data } : { id: idOf(at), b64: data.toString('base64'), data };
        }
        if (session.isOver) yield { close: session.isOver };
      },
    };
  }

  /** Feeds a stream: `write` gets an event and where to cut it (or not), `end` ends in order, `destroy` does not. */
  function feed(who, { write, end, destroy }) {
    let [left, isOpen, ping] = [cutAfter(), false, trouble.ping || 0];
    const stop = () => {
      clearInterval(pings);
      clearTimeout(longest);
      listeners.delete(self);
    };
    const self = {
      stop,
      spend() {
        if (--left > 0) return true;
        counts.cuts++;
        stop();
        destroy();
        return false;
      },
      pump() {
        if (!listeners.has(self) || (isOpen && trouble.mute)) return;
        for (const event of who.events(ping)) {
          isOpen = true;
          if (left <= 1) return void (write(event, true), self.spend());
          if (write(event, false) === false) return stop(), end();
          if (!event.open) self.spend();
          if (event.close || !listeners.has(self)) return stop(), end(event.close);
          if (trouble.mute) return;
        }
        if (!who.isCurrent()) stop(), end();
      },
    };
    const pings = ping && setInterval(() => trouble.mute || (counts.pings++, write({ ping: 1 }, false)), ping);
    const longest = trouble.longest && setTimeout(() => (counts.cuts++, stop(), destroy()), trouble.longest);
    listeners.add(self);
    self.pump();
    return self;
  }

  const FORMS = {
    sse: ['text/event-stream', 'retry: 2000\n\n', (json, id) => `${id ? `id: ${id}\n` : ''}data: ${json}\n\n`, Infinity],
    xhr: ['text/plain', '\n', (json) => `${json}\n`, 8192],
    html: ['text/html; charset=utf-8', '<!DOCTYPE html><body>\n', (json, id, fn) => `<script>parent.${fn}(${json})</script>\n`, 8192],
    multipart: ['multipart/x-mixed-replace; boundary=frame', '--frame\r\n',
      (json) => `Content-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}\r\n--frame\r\n`, 8192],
  };
  const text = (event) => JSON.stringify(event.b64 === undefined ? event : { ...event, data: undefined }).replaceAll('<', '\\u003c');

  function stream(query, request, response) {
    const [type, begin, form, limit] = FORMS[query.get('as')];
    let written = 0;
    let held = begin;
    const put = (piece) => (trouble.hold ? (held += piece) : response.write(piece));
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
    response.flushHeaders();
    if (!trouble.hold) response.write(begin);
    const self = feed(listener(query, request.headers['last-event-id']), {
      write(event, isCut) {
        const piece = Buffer.from(form(text(event), event.id, query.get('callback')));
        put(isCut ? piece.subarray(0, piece.length * random()) : piece);
        return (written += piece.length) < limit;
      },
      end: () => response.end(trouble.hold ? held : ''),
      destroy: () => setImmediate(() => response.destroy()), // behind what was written
    });
    response.on('close', self.stop);
  }

  function poll(query, request, response) {
    const who = listener(query);
    let ends;
    const answer = (isLate) => {
      let events = [];
      for (const event of who.events(who.isNew ? 0 : undefined)) if (events.push(event) === 20) break;
      if (!events.length && !isLate && who.isCurrent()) return;
      clearTimeout(ends);
      listeners.delete(self);
      const [isCut, callback] = [events.length > 1 && trouble.cut && chance(0.4), query.get('callback')];
      let body = `{"next":"${idOf(who.at)}","events":[${events.map(text).join()}]}`;
      if (callback) body = `/**/${callback}(${body});`;
      else if (!events.length) return response.writeHead(204).end();
      body = Buffer.from(body);
      response.writeHead(200, { 'Content-Type': callback ? 'text/javascript; charset=utf-8' : 'application/json', 'Content-Length': body.length });
      if (!isCut) return response.end(body);
      counts.cuts++;
      response.write(body.subarray(0, body.length * random()), () => response.destroy());
    };
    const self = { pump: () => answer(false) };
    listeners.add(self);
    response.on('close', () => (clearTimeout(ends), listeners.delete(self)));
    const wait = +query.get('wait') || 0;
    answer(!wait || who.isNew);
    if (listeners.has(self)) {
      ends = setTimeout(answer, wait, true);
      if (trouble.longest) setTimeout(() => listeners.has(self) && (counts.cuts++, response.destroy()), trouble.longest).unref();
    }
  }

  function records(body) {
    const list = [];
    while (body.length) {
      const head = /^([tb])(0|[1-9]\d*):/.exec(body.toString('latin1', 0, 12));
      if (!head) return null;
      const [all, type, len] = head;
      const bytes = body.subarray(all.length, all.length + +len);
      if (bytes.length < +len) return null;
      list.push(type === 't' ? bytes.toString() : Buffer.from(bytes));
      body = body.subarray(all.length + +len);
    }
    return list;
  }

  async function upload(query, request, response) {
    counts.posts++;
    const callback = query.get('callback');
    // As bytes: `%` sequences of a binary message are no UTF-8.
    const escaped = /[?&]d=([^&]*)/.exec(request.url);
    const bytes = escaped && Buffer.from(escaped[1].replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
    const body = callback ? bytes : Buffer.concat(await request.toArray());
    const [session, messages] = [sessions.get(query.get('s')), records(body)];
    const refuse = (status) => response.writeHead(status).end();
    if (!session || !messages) return refuse(session ? 400 : 404);
    if (messages.some((message) => message.length > trouble.most)) return refuse(413);
    let n = +query.get('n');
    if (n > session.received + 1) return counts.gaps++, refuse(409);
    const fails = chance(trouble.fail || 0) ? Math.floor(random() * 3) : -1;
    const part = [0, messages.length / 2][fails];
    for (const message of messages.slice(0, part)) session.accept(n++, message);
    if (trouble.deaf) return;
    if (fails >= 0) return counts.failed++, response.destroy();
    const json = JSON.stringify({ ack: session.received });
    response.writeHead(200, { 'Content-Type': callback ? 'text/javascript; charset=utf-8' : 'application/json' });
    const answer = () => response.end(callback ? `/**/${callback}(${json});` : json);
    if (!query.get('close')) return answer();
    session.end(); // those who listen are told first
    setTimeout(answer, 5);
  }

  const http = createServer((request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, 'http://h');
    response.on('error', () => {});
    if (trouble.pages?.[pathname]) return response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(trouble.pages[pathname]);
    counts.requests.push(`${request.method} ${request.url}`);
    if (trouble.full > 0 && trouble.full--) return response.writeHead(503, { 'Retry-After': '1' }).end();
    const kind = request.method === 'POST' ? 'posts' : query.get('callback') && !query.get('as') && 'jsonp';
    if (trouble[kind] === false) return response.writeHead(403).end();
    if (request.method === 'POST' || query.get('d') !== null) return upload(query, request, response).catch(() => response.destroy());
    return FORMS[query.get('as')] ? stream(query, request, response) : poll(query, request, response);
  });

  const wss = new WebSocketServer({ noServer: true, handleProtocols: (asked) => asked.has('push.v1') && 'push.v1' });
  http.on('upgrade', (request, socket, head) => {
    counts.requests.push(`WS ${request.url}`);
    if (trouble.refuse || (trouble.full > 0 && trouble.full--)) return socket.end('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n');
    wss.handleUpgrade(request, socket, head, (ws) => {
      const query = new URL(request.url, 'http://h').searchParams;
      const who = listener(query);
      let n = +query.get('n');
      let owesAck = false;
      const write = (event, isCut) => {
        if (isCut) return;
        if (event.b64 === undefined) ws.send(text(event));
        else ws.send(Buffer.concat([Buffer.from(`${event.id}\0`), event.data]));
      };
      const end = (close) => ws.close(...(close || (who.isCurrent() ? [1001] : [4000, 'another connection took over'])));
      const self = feed(who, { write: (event, isCut) => (event.close ? true : write(event, isCut)), end, destroy: () => ws.terminate() });
      ws.on('error', () => {});
      ws.on('message', (data, isBinary) => {
        if (ws.readyState !== 1) return;
        const isNew = n > who.session.received;
        if (!who.session.accept(n++, isBinary ? data : data.toString())) return counts.gaps++, ws.close(1002);
        if (!owesAck && !trouble.deaf) setImmediate(() => ((owesAck = false), ws.readyState === 1 && write({ ack: who.session.received })));
        owesAck = true;
        if (isNew) self.spend();
      });
      ws.on('close', (code) => {
        self.stop();
        if (code === 1000) sessions.delete(who.session.sid);
      });
    });
  });

  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address();
  const server = {
    url: `http://127.0.0.1:${port}/events`,
    trouble, counts, sessions, wake,
    onmessage() {},
    get session() { return newest; },
    publish: (data) => (shared.push(data), wake()),
    /** The ring is full of others: all events up to now are gone. */
    forget: () => (oldest = shared.length),
    /** Breaks all connections. */
    cut: () => (http.closeAllConnections(), wss.clients.forEach((ws) => ws.terminate())),
    async close() {
      listeners.clear();
      server.cut();
      await new Promise((resolve) => http.close(resolve));
    },
    /** Comes back at the same address. */
    again: () => new Promise((resolve) => http.listen(port, '127.0.0.1', resolve)),
  };
  return server;
}
