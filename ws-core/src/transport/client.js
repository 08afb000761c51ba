// PushSocket: the client of the push transports, for browsers. It is used as a WebSocket is, and finds the technique that gets
// through by itself. What goes over the wire is told in mod.rs beside this file; nothing else of the page is here.
//
//   const socket = new PushSocket('/events', { timeout: 3000 });
//
// What differs from a WebSocket:
// - `transport` names the technique in use, '' while there is none; the event `transport` says that it changed.
// - It is OPEN from the first connection to close(): connections that break are made again, and nothing is lost or comes twice. When
//   something was lost after all, as the server forgot it, the event `reset` says so.
// - send() may be called while it is CONNECTING. `bufferedAmount` counts what the server has not said it got.
//
// Options: see OPTIONS below. It is served without its comments and indentation, so each statement ends with a semicolon.
'use strict';
(() => {
const OPTIONS = {
  transports: ['websocket', 'sse', 'xhr-streaming', 'long-polling', 'jsonp', 'html-streaming'], // in this order
  timeout: 5000, // ms: a technique that says nothing for so long does not work
  wait: 20000, // ms that a long poll waits
  interval: 2000, // ms between two polls of 'short-polling', which is taken only if it is named, as is 'multipart'
  delay: 500, // ms before a connection is made again; twice as long each time
  maxDelay: 30000,
  maxRetries: Infinity, // in a row
};
const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
const EVENTS = ['open', 'message', 'error', 'close', 'reset', 'transport'];
const TRIES = 3; // for a technique that worked
const BODY = 16384; // bytes of messages in one POST, unless a single one is longer
const ADDRESS = 2000; // bytes that are safe in a URL
const TYPE = 'text/plain;charset=UTF-8'; // what a page may send to another origin without asking first
// A server that closes with one of these means it; with any other, it or something on the way failed.
const FINAL = /^(100[03789]|[34]...)$/;

class PushSocket extends EventTarget {
  constructor(url, options) {
    super();
    this.url = new URL(url, location.href).href.replace(/^ws/, 'http').replace(/#.*/, '');
    Object.assign(this, { readyState: 0, bufferedAmount: 0, binaryType: 'blob', protocol: '', extensions: '', transport: '' });
    this._options = Object.assign({}, OPTIONS, options);
    this._sid = '';
    this._seen = null; // the last event of each kind
    this._queue = []; // messages without an ack
    this._first = 1; // the number of the first of them
    this._at = this._fails = this._tries = this._misses = 0; // _at: the technique of the next connection
    this._good = -1; // the technique that worked last
    // By way of a listener, so that what a handler throws stops nothing here.
    for (const type of EVENTS) {
      this['on' + type] = null;
      this.addEventListener(type, (event) => this['on' + type] && this['on' + type](event));
    }
    // A page that slept finds its connection dead, or still waits to make a new one. `visibilitychange` bubbles up to here.
    const wakes = {
      visibilitychange: () => document.hidden || (this._due < Date.now() && this._then()),
      online: () => this.readyState < 2 && this._lost(true),
      pagehide: (event) => event.persisted || !this._sid || navigator.sendBeacon(this._address({ n: this._first, close: 1 }),
        new Blob([].concat(...this._queue.map(record)), { type: TYPE })),
    };
    for (const type in wakes) self.addEventListener(type, wakes[type]);
    this._sleep = () => {
      for (const type in wakes) self.removeEventListener(type, wakes[type]);
    };
    this._connect();
  }

  send(data) {
    // What the caller changes later is not sent.
    if (ArrayBuffer.isView(data)) data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    else if (data instanceof ArrayBuffer) data = new Uint8Array(data.slice(0));
    else if (!(data instanceof Blob)) data = String(data);
    const size = data.size === undefined ? bytes(data).length : data.size;
    this.bufferedAmount += size;
    if (this.readyState > 1) return;
    this._queue.push({ data, size });
    this._pump();
  }

  close(code = 1000, reason = '') {
    if (code !== 1000 && !(code >= 3000 && code < 5000)) throw new DOMException('code ' + code, 'InvalidAccessError');
    if (bytes(reason).length > 123) throw new DOMException('reason too long', 'SyntaxError');
    if (this.readyState > 1) return;
    const link = this._link;
    this._bye = [code, reason, true];
    this.readyState = 2;
    this._alarm(this._sid ? this._options.timeout : 0, () => this._finish(1006));
    if (link && link.opened && link.send) return link.stop(code, reason);
    if (!link || !link.opened) this._drop();
    this._pump();
  }

  // --- Connections: one at a time, `_link`, by the technique `_at` ---

  _connect() {
    const link = { sent: 0, first: this._first, name: this._options.transports[this._at] };
    // What a connection says that was dropped is not heard.
    const own = (act) => (...args) => this._link === link && act(...args);
    link.take = own((event, body) => {
      try {
        this._take(typeof event === 'string' ? JSON.parse(event) : event, link, body);
      } catch (error) {
        this._lost();
      }
    });
    link.isOn = own(() => true);
    link.up = own(() => this._up(link));
    link.heard = own(() => this._heard(link));
    link.expect = own((ms) => this._alarm(ms + this._options.timeout, () => this._lost()));
    link.end = own((isOrderly, seconds) => this._lost(isOrderly, seconds));
    link.closed = own((event) => {
      if (this.readyState > 1 || (link.opened && FINAL.test(event.code))) this._finish(event.code, event.reason, event.wasClean);
      else this._lost();
    });
    this._link = link;
    link.expect(0);
    try {
      link.stop = TECHNIQUES[link.name](this, link);
    } catch (error) {
      this._lost(); // this browser does not know it
    }
  }

  /** The connection works. */
  _up(link) {
    if (link.opened) return;
    link.opened = Date.now();
    this._good = this._at;
    this._use(link.name);
    if (this.readyState < 1) {
      this.readyState = 1;
      this.protocol = 'push.v1';
      this._tell('open');
    }
    this._pump();
  }

  _take(event, link, body) {
    const { id, open, data, b64 } = event;
    let isReset = event.reset;
    if (open) {
      this._ping = open.ping;
      if (open.sid !== this._sid) {
        isReset = isReset || this._sid;
        this._sid = open.sid;
        this._seen = numbers(id);
        this._first = 1;
      }
      // The messages of a WebSocket are numbered from what its address said.
      if (link.send && link.first !== this._first) this._lost(true);
      else this._up(link);
    }
    if (isReset) {
      this._seen = numbers(id);
      this._tell('reset');
    }
    this._heard(link);
    if (event.ack !== undefined) this._acked(event.ack);
    if (event.close) this._finish(...(this._bye || event.close.concat(true)));
    if (data !== undefined) body = data;
    else if (b64 !== undefined) body = Uint8Array.from(atob(b64), (char) => char.charCodeAt(0)).buffer;
    if (body === undefined) return;
    // A stream may begin with what came already. Numbers wrap.
    const seen = numbers(id).map((number, i) => ((number - this._seen[i] | 0) > 0 ? number : this._seen[i]));
    if (`${seen}` === `${this._seen}`) return;
    this._seen = seen;
    link.got = true;
    if (this.readyState > 1) return;
    if (body !== data && this.binaryType === 'blob') body = new Blob([body]);
    this._tell('message', { data: body, lastEventId: id, origin: new URL(this.url).origin });
  }

  /** Sets the clock for the next sign of life. */
  _heard(link) {
    if (link.opened && this.readyState < 2 && this._link === link) link.expect(this._ping ? this._ping * 1.5 : NaN);
  }

  /** The connection is gone, or is given up. `isOrderly`: it was to end. `seconds`: the server is full for so long. */
  _lost(isOrderly, seconds) {
    const { transports, timeout, delay, maxDelay, maxRetries } = this._options;
    const link = this._drop();
    if (this.readyState > 1) return;
    let ms = 0;
    if (!isOrderly) {
      this._use('');
      if (link.opened && Date.now() - link.opened >= timeout) this._fails = this._tries = 0;
      // One that worked is tried again. One that breaks each time soon after it opened works no more.
      const isGood = this._at === this._good;
      if (seconds) this._at = Math.max(this._good, 0);
      else if (++this._fails >= (isGood ? TRIES : 1)) {
        this._fails = 0;
        this._at = (this._at + 1) % transports.length;
      }
      if (seconds || !this._at || (isGood && this._fails)) {
        if (this._tries >= maxRetries) return this._finish(1006);
        ms = seconds * 1000 || jitter(Math.min(maxDelay, delay * 2 ** this._tries));
        this._tries++;
      }
    }
    this._alarm(ms, () => this._connect());
    this._due = 0; // not later than the page wakes
  }

  _drop() {
    const link = this._link || {};
    this._link = null;
    if (link.stop) link.stop();
    return link;
  }

  /** The only clock of the socket: what is to be done next if nothing happens. `ms` NaN: nothing. */
  _alarm(ms, then) {
    clearTimeout(this._timer);
    this._due = Date.now() + ms;
    this._then = then;
    if (ms >= 0) this._timer = setTimeout(then, ms);
  }

  _finish(code, reason = '', wasClean = false) {
    if (this.readyState > 2) return;
    this.readyState = 3;
    this._alarm(NaN);
    this._drop();
    this._sleep();
    this._use('');
    if (!wasClean) this._tell('error');
    this._tell('close', { code, reason, wasClean });
  }

  _use(name) {
    if (this.transport === name) return;
    this.transport = name;
    this._tell('transport');
  }

  _tell(type, values) {
    this.dispatchEvent(Object.assign(new Event(type), values));
  }

  /** The URL with these parameters, and the session. */
  _address(values) {
    values = Object.assign({ s: this._sid }, values);
    const query = Object.keys(values).filter((name) => values[name] !== undefined).map((name) => name + '=' + values[name]);
    return this.url + (/\?/.test(this.url) ? '&' : '?') + query.join('&');
  }

  /** The same for listening. */
  _source(values) {
    return this._address(Object.assign({ since: this._seen ? this._seen.join('.') : undefined }, values));
  }

  // --- Messages to the server ---

  /** Sends what waits: by the WebSocket, or by one request at a time. */
  _pump() {
    const link = this._link || {};
    const isClosing = this.readyState === 2;
    if (link.opened && link.send) {
      while (link.sent < this._queue.length) link.send(this._queue[link.sent++].data);
    } else if (!this._isPosting && this._sid && (isClosing || (link.opened && this._queue.length))) {
      this._isPosting = true;
      this._upload(link.name === 'jsonp').catch((error) => this._missed(error)).then((ms) => setTimeout(() => {
        this._isPosting = false;
        if (this.readyState < 3) this._pump();
      }, ms));
    }
  }

  async _upload(isJsonp) {
    const { timeout } = this._options;
    const [sid, n] = [this._sid, this._first];
    const most = isJsonp ? ADDRESS - this._address({ n, close: 1, callback: callbacks }).length - 9 : BODY;
    let parts = [];
    let size = 0;
    let count = 0;
    for (const message of this._queue.slice()) {
      const part = isJsonp ? await percent(record(message)) : record(message);
      size += isJsonp ? part.length : message.size;
      if (size > most && (count || isJsonp)) break;
      parts = parts.concat(part);
      count++;
    }
    if (!count && this._queue.length) return this._upload(); // too long for JSONP
    const close = this.readyState > 1 && count === this._queue.length ? 1 : undefined;
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), 4 * timeout);
    let answer;
    try {
      if (isJsonp) answer = await script(this._address({ n, close, d: parts.join('') }), control.signal);
      else answer = await (await request(this._address({ n, close }), control.signal, new Blob(parts, { type: TYPE }))).json();
    } finally {
      clearTimeout(timer);
    }
    if (this._sid === sid) this._acked(answer.ack);
    if (close) this._finish(...this._bye);
    else if (this._first === n) throw 0; // it got nothing
    this._misses = 0;
  }

  /** What to do when messages did not get through; returns how long to wait, in ms. */
  _missed({ status, seconds }) {
    const { delay, maxDelay } = this._options;
    if (status === 404) {
      if (this.readyState > 1) this._finish(1006);
      else if (this._link) this._lost(); // the session is over: get another
    }
    if (status === 400 || status === 413) this._finish(1009, 'refused');
    return seconds * 1000 || jitter(Math.min(maxDelay, delay * 2 ** this._misses++));
  }

  /** The server has all messages up to number `ack`. */
  _acked(ack) {
    for (let more = (ack - this._first + 1) | 0; more > 0 && this._queue.length; more--) {
      this.bufferedAmount -= this._queue.shift().size;
      this._first = (this._first + 1) >>> 0;
      if (this._link) this._link.sent--;
    }
  }
}
self.PushSocket = PushSocket;
for (const target of [PushSocket, PushSocket.prototype]) Object.assign(target, STATES);

// Each begins a connection, tells `link` what comes, and returns what ends it.
const TECHNIQUES = {
  websocket(socket, link) {
    const ws = new WebSocket(socket._source({ n: link.first }).replace(/^http/, 'ws'), 'push.v1');
    ws.binaryType = 'arraybuffer';
    ws.onmessage = ({ data }) => {
      if (typeof data === 'string') return link.take(data);
      const at = new Uint8Array(data).indexOf(0);
      link.take({ id: String.fromCharCode(...new Uint8Array(data, 0, at)) }, data.slice(at + 1));
    };
    ws.onclose = link.closed;
    link.send = (data) => ws.readyState === 1 && ws.send(data);
    return (code, reason) => ws.close(code, reason);
  },

  sse(socket, link) {
    const source = new EventSource(socket._source({ as: 'sse' }));
    source.onmessage = ({ data }) => link.take(data);
    source.onerror = () => link.end(); // it would come back by itself, but with the same address
    return () => source.close();
  },

  'xhr-streaming': stream('xhr'),
  multipart: stream('multipart'),
  'long-polling': poll(json),
  'short-polling': poll(json, true),
  jsonp: poll(script),

  'html-streaming'(socket, link) {
    const callback = named((event) => link.take(event));
    const frame = document.createElement('iframe');
    frame.hidden = true;
    frame.onload = () => link.end(link.got); // the document is at its end
    frame.src = socket._source({ as: 'html', callback });
    document.documentElement.appendChild(frame);
    return () => {
      frame.remove();
      delete self[callback];
    };
  },
};

/** A response of lines: those that begin so are events, the others are of the form around them. */
function stream(as) {
  return (socket, link) => reading(link, async (signal) => {
    const reader = (await request(socket._source({ as }), signal)).body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return link.end(link.got);
      link.heard();
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop();
      lines.forEach((line) => line[0] === '{' && link.take(line));
    }
  });
}

function poll(ask, isShort) {
  return (socket, link) => reading(link, async (signal) => {
    const { wait, interval } = socket._options;
    // The first is answered at once, so that it shows whether polls get through.
    for (let ms; link.isOn(); ms = isShort ? ms : wait) {
      link.expect(ms || 0);
      const { events = [] } = await ask(socket._source({ wait: ms }), signal);
      events.forEach((event) => link.take(event));
      if (!link.isOn()) return;
      link.up();
      const pause = isShort ? interval : events.length ? 0 : 50; // should a server not wait
      if (pause) {
        link.expect(pause);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  });
}

/** Runs `read`, which fails when the connection does. */
function reading(link, read) {
  const control = new AbortController();
  read(control.signal).catch((error) => link.end(false, error.seconds));
  return () => control.abort();
}

async function request(url, signal, body) {
  const response = await fetch(url, { signal, body, method: body ? 'POST' : 'GET', cache: 'no-store' });
  const { status } = response;
  if (!response.ok) throw { status, seconds: status === 503 && (+response.headers.get('Retry-After') || 2) };
  return response;
}

async function json(url, signal) {
  const response = await request(url, signal);
  return response.status === 204 ? {} : response.json();
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
    document.documentElement.appendChild(element);
  });
}

let callbacks = 0;

/** A name in the page for a function. */
function named(act) {
  const name = '_push' + callbacks++;
  self[name] = act;
  return name;
}

const bytes = (data) => (typeof data === 'string' ? new TextEncoder().encode(data) : data);
const record = ({ data, size }) => [(typeof data === 'string' ? 't' : 'b') + size + ':', data];
const numbers = (id) => [...id.split('.'), 0].slice(0, 2).map(Number); // of a cursor
const jitter = (ms) => ms * (0.5 + Math.random() / 2); // or all pages would come back at once

async function percent(parts) {
  const all = new Uint8Array(await new Blob(parts).arrayBuffer());
  return Array.from(all, (byte) => {
    const char = String.fromCharCode(byte);
    return /\w/.test(char) ? char : '%' + (byte + 256).toString(16).slice(1);
  }).join('');
}
})();
