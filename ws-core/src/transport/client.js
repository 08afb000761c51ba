// PushSocket: the client of the push transports, for browsers. It is used as a WebSocket is, and finds the technique that gets
// through by itself. What goes over the wire is told in mod.rs beside this file; nothing else of a page is here.
//
//   const socket = new PushSocket('/events', { timeout: 3000 });
//
// What differs from a WebSocket:
// - `transport` names the technique in use, '' while there is none; the event `transport` says that it changed.
// - It is OPEN from the first connection to close(): connections that break are made again, and nothing is lost or comes twice. If
//   something was lost after all, as the server forgot it, the event `reset` says so; and if the server forgot the page itself, what the
//   page sent and got no ack for is sent again, though it may have come.
// - send() may be called while it is CONNECTING. `bufferedAmount` counts what the server has not said that it got.
//
// It needs a browser of 2020 or later. It is served without its comments and indentation: statements end with a semicolon.
'use strict';
(() => {
class PushSocket extends EventTarget {
  constructor(url, options) {
    super();
    this.url = new URL(url, location).href.replace(/^ws/, 'http').replace(/#.*/, '');
    this.readyState = 0;
    this.bufferedAmount = 0;
    this.binaryType = 'blob';
    this.protocol = this.transport = '';
    for (const type of ['open', 'message', 'error', 'close', 'reset', 'transport']) {
      this['on' + type] = null;
      // As a listener, so that what a handler throws stops nothing here.
      this.addEventListener(type, (event) => this['on' + type]?.(event));
    }
    Object.assign(this, run(this, options));
  }
}
self.PushSocket = PushSocket;
['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].forEach((name, i) => {
  PushSocket[name] = PushSocket.prototype[name] = i;
});

// A server that closes with one of these means it. With any other, it or something on the way failed.
const FINAL = /^(100[03789]|[34]...)$/;
let callbacks = 0;

/** All that goes on behind `socket`; returns its methods. */
function run(socket, {
  transports = ['websocket', 'sse', 'xhr-streaming', 'long-polling', 'jsonp', 'html-streaming'], // in this order
  timeout = 5000, // ms: a technique that says nothing for so long does not work
  wait = 20000, // ms that a long poll waits
  interval = 2000, // ms between two polls of 'short-polling', which is taken only if it is named, as is 'multipart'
  delay = 500, // ms before a connection is made again; twice as long each time
  maxDelay = 30000,
  maxRetries = Infinity, // in a row
} = {}) {
  let sid = ''; // of the session
  let seen = []; // the last event of each kind
  let ping; // ms
  const queue = []; // messages without an ack
  let first = 1; // the number of the first of them
  let sent; // how many of them the WebSocket took
  let isBusy; // a request brings some
  let misses = 0; // such requests that failed, in a row
  let bye; // what close() said
  // Connections: one at a time. What another says, which was dropped, is not heard.
  let current;
  let at = 0; // the technique of the next one
  let good; // the one that worked last
  let fails = 0; // of this technique
  let tries = 0; // waits in a row
  // The clock of connections.
  let timer;
  let due;
  let next;

  // --- What the page does ---

  function send(data) {
    // What the caller changes later is not sent.
    if (ArrayBuffer.isView(data)) data = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    else if (data instanceof ArrayBuffer) data = data.slice();
    else if (!(data instanceof Blob)) data = String(data);
    const size = data.size ?? data.byteLength ?? utf8(data).length;
    socket.bufferedAmount += size;
    if (socket.readyState > 1) return;
    queue.push({ data, size });
    pump();
  }

  function close(code = 1000, reason = '') {
    if (!/^(1000|[34]...)$/.test(code)) throw new DOMException(code, 'InvalidAccessError');
    if (utf8(reason).length > 123) throw new DOMException(reason, 'SyntaxError');
    if (socket.readyState > 1) return;
    socket.readyState = 2;
    bye = [code, reason, true];
    alarm(sid ? timeout : 0, () => finish(1006));
    if (!current?.opened) drop();
    pump(); // over a WebSocket that is only just open, nothing has gone yet
    current?.send && current.stop(code, reason);
  }

  // It slept, or it goes.
  const handlers = {
    // Bubbles up to the window.
    visibilitychange() {
      if (!document.hidden && due < Date.now()) next();
    },
    online() {
      if (current) lost(current, true);
      else if (!due) next();
    },
    pagehide({ persisted }) {
      if (!persisted && sid) navigator.sendBeacon(address({ n: first, close: 1 }), body(queue));
    },
  };
  for (const type in handlers) self.addEventListener(type, handlers[type]);

  // --- Connections ---

  function connect() {
    const link = current = { name: transports[at], first };
    sent = 0;
    expect(link, 0);
    try {
      link.stop = techniques[link.name](link);
    } catch (error) {
      lost(link); // this browser does not know it
    }
  }

  function up(link) {
    if (link !== current || link.opened) return;
    link.opened = Date.now();
    good = at;
    use(link.name);
    if (socket.readyState < 1) {
      socket.readyState = 1;
      socket.protocol = 'push.v1';
      tell('open');
    }
    pump();
  }

  function take(link, { id, open, reset, ack, close, data, b64 }, binary) {
    if (link !== current) return;
    if (open) {
      ping = open.ping;
      if (open.sid !== sid) {
        reset = sid;
        sid = open.sid;
        seen = numbers(id);
        first = 1;
      }
      // The messages of a WebSocket are numbered from what its address said.
      if (link.send && link.first !== first) lost(link, true);
      else up(link);
    }
    if (reset) {
      seen = numbers(id);
      tell('reset');
    }
    heard(link);
    if (ack >= 0) acked(ack);
    if (close) finish(...(bye || [...close, true]));
    if (b64 >= '') binary = Uint8Array.from(atob(b64), (char) => char.charCodeAt()).buffer;
    data = data ?? binary;
    if (data === undefined) return;
    // A stream may begin with what came already. Numbers wrap.
    let isNew;
    numbers(id).forEach((number, i) => {
      if ((number - seen[i] | 0) > 0) {
        seen[i] = number;
        isNew = link.got = true;
      }
    });
    if (binary && socket.binaryType === 'blob') data = new Blob([data]);
    if (isNew && socket.readyState < 2) tell('message', { data, lastEventId: id });
  }

  function heard(link) {
    if (link.opened) expect(link, ping * 1.5 || NaN);
  }

  /** The link is dead if it says nothing for so long, and a little more. */
  function expect(link, ms) {
    if (link === current && socket.readyState < 2) alarm(ms + timeout, () => lost(link));
  }

  /** The link is gone, or given up. `isOrderly`: it was to end. `seconds`: the server is full for so long. */
  function lost(link, isOrderly, seconds) {
    if (!link || link !== current) return;
    drop();
    if (socket.readyState > 1) return;
    let ms = 0;
    if (!isOrderly) {
      use('');
      if (Date.now() - link.opened >= timeout) fails = tries = 0;
      // One that worked is tried again; one that breaks each time soon after it opened works no more.
      if (!seconds && ++fails >= (at === good ? 3 : 1)) {
        fails = 0;
        at = (at + 1) % transports.length;
      }
      if (seconds || fails || !at) {
        if (tries >= maxRetries) return finish(1006);
        ms = seconds * 1000 || backoff(tries++);
      }
    }
    alarm(ms, connect);
    due = 0; // not later than the page wakes up
  }

  function drop() {
    const link = current;
    current = null;
    link?.stop?.();
  }

  /** What is to be done if nothing happens for `ms`. NaN: nothing. */
  function alarm(ms, then) {
    clearTimeout(timer);
    due = Date.now() + ms;
    next = then;
    if (ms >= 0) timer = setTimeout(then, ms);
  }

  /** Doubles; and no page waits as long as another, or all would come back at once. */
  function backoff(tries) {
    return Math.min(maxDelay, delay * 2 ** tries) * (0.5 + Math.random() / 2);
  }

  function finish(code, reason = '', wasClean = false) {
    if (socket.readyState > 2) return;
    socket.readyState = 3;
    alarm(NaN);
    drop();
    for (const type in handlers) self.removeEventListener(type, handlers[type]);
    use('');
    if (!wasClean) tell('error');
    tell('close', { code, reason, wasClean });
  }

  function use(name) {
    if (socket.transport === name) return;
    socket.transport = name;
    tell('transport');
  }

  function tell(type, values) {
    socket.dispatchEvent(Object.assign(new Event(type), values));
  }

  function address(values) {
    const query = new URLSearchParams({ s: sid, since: seen.join('.'), ...values });
    return socket.url + (socket.url.includes('?') ? '&' : '?') + query;
  }

  // --- Messages to the server ---

  /** Sends what waits: by the WebSocket, or by one request at a time. */
  function pump() {
    const isOpened = current?.opened;
    if (isOpened && current.send) while (sent < queue.length) current.send(queue[sent++].data);
    else if (!isBusy && sid && (socket.readyState === 2 || (isOpened && queue.length))) upload();
  }

  async function upload() {
    isBusy = true;
    const session = sid;
    const n = first;
    const control = new AbortController();
    const limit = setTimeout(() => control.abort(), 4 * timeout);
    let ms = 0;
    try {
      const isJsonp = current?.name === 'jsonp';
      let size = 0;
      // One in any case.
      const messages = queue.filter((message, i) => (size += message.size + 8) < (isJsonp ? 600 : 16384) || !i);
      const isLast = socket.readyState > 1 && messages.length === queue.length;
      const url = address(isLast ? { n, close: 1 } : { n });
      const records = body(messages);
      const query = isJsonp && url + '&d=' + await percent(records);
      const isShort = query.length < 1970; // what is longer does not get through everywhere
      if (isJsonp && !isShort && new URL(url).origin !== location.origin) throw { status: 413 };
      const { ack } = await (isShort ? script(query, control.signal) : json(url, control.signal, records));
      if (session === sid) acked(ack);
      if (isLast) finish(...bye);
      else if (n === first) throw 0; // it got nothing
      misses = 0;
    } catch ({ status, seconds }) {
      if (status === 404 && session === sid) lost(current); // the session is over: get another
      if (status === 400 || status === 413) finish(1009);
      ms = seconds * 1000 || backoff(misses++);
      // What lets events through lets no POST through: JSONP needs none.
      if (!seconds && misses > 2 && current?.opened && !current.send) {
        at = (at + 1) % transports.length;
        lost(current, true);
      }
    }
    clearTimeout(limit);
    if (socket.readyState < 3) await sleep(ms);
    isBusy = false;
    pump();
  }

  /** The server has all messages up to this number. */
  function acked(ack) {
    for (const { size } of queue.splice(0, ack - first + 1 | 0)) {
      socket.bufferedAmount -= size;
      first = first + 1 >>> 0;
      sent--;
    }
  }

  // --- Techniques: each begins a link, says what comes, and returns what ends it ---

  const techniques = {
    websocket(link) {
      const ws = new WebSocket(address({ as: 'websocket', n: first }).replace(/^http/, 'ws'), 'push.v1');
      ws.binaryType = 'arraybuffer';
      ws.onmessage = ({ data }) => {
        if (typeof data === 'string') return take(link, JSON.parse(data));
        const end = new Uint8Array(data).indexOf(0);
        take(link, { id: new TextDecoder().decode(data.slice(0, end)) }, data.slice(end + 1));
      };
      ws.onclose = ({ code, reason, wasClean }) => {
        const isOld = code === 4000; // the server took one that was given up, and came late, for a newer one
        const isFinal = socket.readyState > 1 || (link.opened && !isOld && FINAL.test(code));
        if (isFinal && link === current) finish(code, reason, wasClean);
        lost(link, isOld);
      };
      link.send = (data) => ws.send(data);
      return (code, reason) => ws.close(code, reason);
    },

    sse(link) {
      const source = new EventSource(address({ as: 'sse' }));
      source.onmessage = ({ data }) => take(link, JSON.parse(data));
      source.onerror = () => lost(link); // it would come back by itself, but with the same address
      return () => source.close();
    },

    'xhr-streaming': stream('xhr'),
    multipart: stream('multipart'),
    'long-polling': poll(json),
    'short-polling': poll(json, true),
    jsonp: poll(script),

    'html-streaming'(link) {
      const callback = named((event) => take(link, event));
      const frame = document.createElement('iframe');
      frame.hidden = true;
      // The document is at its end. If it breaks off, Chromium says nothing: silence has to tell.
      frame.onload = () => lost(link, link.got);
      frame.src = address({ as: 'html', callback });
      document.documentElement.append(frame);
      return () => {
        frame.remove();
        delete self[callback];
      };
    },
  };

  /** A response of lines: those that begin so are events, the others are of the form around them. */
  function stream(as) {
    return reading(async (link, signal) => {
      const reader = (await request(address({ as }), signal)).body.getReader();
      const decoder = new TextDecoder();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return lost(link, link.got);
        heard(link);
        const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
        rest = lines.pop();
        for (const line of lines) if (line[0] === '{') take(link, JSON.parse(line));
      }
    });
  }

  function poll(ask, isShort) {
    return reading(async (link, signal) => {
      // The first is answered at once, so that it shows whether polls get through.
      for (let ms = 0; link === current; ms = isShort ? 0 : wait) {
        expect(link, ms);
        const { events = [] } = await ask(address({ wait: ms }), signal);
        for (const event of events) take(link, event);
        up(link);
        const pause = isShort ? interval : events.length ? 0 : 50; // should a server not wait
        expect(link, pause);
        if (pause) await sleep(pause);
      }
    });
  }

  /** A technique by `read`, which fails when the connection does. */
  function reading(read) {
    return (link) => {
      const control = new AbortController();
      read(link, control.signal).catch(({ seconds }) => lost(link, false, seconds));
      return () => control.abort();
    };
  }

  connect();
  return { send, close };
}

async function request(url, signal, body) {
  const response = await fetch(url, { signal, body, method: body && 'POST' });
  const { ok, status, headers } = response;
  // A page of another origin may not see the field.
  if (!ok) throw { status, seconds: +headers.get('Retry-After') || (status === 503 && 2) };
  return response;
}

async function json(url, signal, body) {
  const response = await request(url, signal, body);
  return response.status === 204 || response.json();
}

/** JSONP: the answer of a script that calls a function with it. */
function script(url, signal) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    const callback = named((answer) => {
      delete self[callback];
      resolve(answer);
    });
    // It may come yet, after an abort; so the function stays.
    element.onerror = element.onload = signal.onabort = () => {
      element.remove();
      reject({});
    };
    element.src = url + '&callback=' + callback;
    document.documentElement.append(element);
  });
}

/** A name in the page for a function. */
function named(act) {
  const name = '_push' + callbacks++;
  self[name] = act;
  return name;
}

const utf8 = (text) => new TextEncoder().encode(text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (id) => (id + '.0').split('.', 2).map(Number); // of a cursor

/** Of a type that a page may send to another origin without asking first. */
function body(messages) {
  const parts = messages.map(({ data, size }) => [(typeof data === 'string' ? 't' : 'b') + size + ':', data]);
  return new Blob(parts.flat(), { type: 'text/plain;charset=UTF-8' });
}

async function percent(blob) {
  return Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => {
    const char = String.fromCharCode(byte);
    return /\w/.test(char) ? char : '%' + (byte + 256).toString(16).slice(1);
  }).join('');
}
})();
