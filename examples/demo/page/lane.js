// A lane: one PushSocket, held to one technique or left to choose, and what came of it. Messages of the feed have numbers, so it
// knows what is missing and what came twice. What it looks like is in transports.js.
import { delayOf } from './clock.js';
import { MINUTE } from './plot.js';
import { Wire } from './wire.js';

const TRIP = 5000; // ms between two messages of its own

/** What holds one of the browser's six connections, as long as it listens. */
const LONG = ['sse', 'xhr-streaming', 'multipart', 'html-streaming', 'long-polling', 'jsonp'];

export class Lane {
  received = 0;
  lost = 0;
  doubled = 0;
  resets = 0; // times the server said that something was lost
  delay = NaN; // ms, of the latest message
  median = NaN; // ms, of the messages of the last minute
  trip = NaN; // ms that the latest message of its own took to come back
  dots = []; // { time, delay }, the messages of the last minute
  isWanted = false; // somebody has pressed Start
  since = 0; // when it began to run, or to wait
  #socket = null;
  #state = 'stopped';
  #trips = 0; // timer
  #ran = 0; // ms, before it was started last

  constructor(name) {
    this.name = name;
    this.wire = new Wire(name);
  }

  /** stopped, waiting, connecting, open, closed */
  get state() {
    return this.#state;
  }

  /** The technique in use, '' if there is none. */
  get transport() {
    return this.#socket?.transport ?? '';
  }

  get isRunning() {
    return this.#socket !== null;
  }

  /** It holds a connection, or will when it runs. */
  get isLong() {
    return LONG.includes(this.name === 'chosen' ? this.transport : this.name);
  }

  start() {
    const options = { timeout: 3000, interval: 2000, ...(this.name === 'chosen' ? {} : { transports: [this.name] }) };
    // The server passes over `lane`; by it, requests are told apart here.
    const socket = new window.PushSocket(`/push?lane=${this.name}`, options);
    let last = null; // number of the latest message
    let isReset = false;
    this.#socket = socket;
    this.#enter('connecting');
    const own = (act) => (event) => this.#socket === socket && act(event);
    socket.onopen = own(() => this.#enter('open', this.since));
    socket.addEventListener('transport', own(() => {
      this.wire.connected(socket.transport);
      this.#enter(socket.transport ? 'open' : 'connecting', this.since);
    }));
    socket.addEventListener('reset', own(() => {
      this.resets++;
      isReset = true; // the server may have begun again
    }));
    socket.onclose = own(() => {
      this.#end();
      this.isWanted = false;
      this.#enter('closed');
    });
    socket.onmessage = own(({ data, lastEventId }) => {
      this.wire.message(socket.transport, lastEventId, data);
      const sent = /trip (\d+)/.exec(data);
      if (sent) return void (this.trip = Math.max(0, performance.now() - sent[1]));
      const { n, at } = JSON.parse(data);
      if (last !== null && n <= last && !isReset) return void this.doubled++;
      if (last !== null && n > last + 1) this.lost += n - last - 1;
      last = n;
      isReset = false;
      this.received++;
      this.delay = delayOf(at);
      this.dots.push({ time: performance.now(), delay: this.delay });
    });
    this.#trips = setInterval(() => {
      const text = `trip ${Math.round(performance.now())}`;
      socket.send(text);
      this.wire.sent(socket.transport, text);
    }, TRIP);
  }

  /** `state`: why it ends, stopped or waiting. */
  stop(state) {
    const socket = this.#socket;
    this.#end();
    this.#enter(state);
    socket?.close();
  }

  /** What it has cost up to now, and in relation. Forgets what is older than a minute. */
  cost() {
    const now = performance.now();
    this.dots = this.dots.filter(({ time }) => now - time < MINUTE);
    const delays = this.dots.map(({ delay }) => delay).sort((a, b) => a - b);
    this.median = delays.length ? delays[delays.length >> 1] : NaN;
    const { listening, sending } = this.wire;
    const minutes = (this.#ran + (this.isRunning ? now - this.since : 0)) / MINUTE;
    const requests = listening.requests + (this.state === 'open' ? this.wire.underway(this.transport) : 0);
    return {
      requests: requests + sending.requests,
      down: listening.down + sending.down,
      up: listening.up + sending.up,
      perMinute: minutes > 0.1 ? requests / minutes : NaN,
      perMessage: this.received > 0 ? (listening.down + listening.up) / this.received : NaN,
    };
  }

  #end() {
    clearInterval(this.#trips);
    if (this.isRunning) this.#ran += performance.now() - this.since;
    this.#socket = null;
  }

  #enter(state, since = performance.now()) {
    this.#state = state;
    this.since = since;
  }
}
