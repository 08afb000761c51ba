// What a lane takes on the wire: requests, and bytes of HTTP and WebSocket both ways, without those of TCP and IP. Browsers tell
// how long the bodies of finished responses were; of heads, of frames, and of responses that do not end they tell nothing. So those
// are computed from the form that each technique gives to an event, and from heads as long as browsers and this server write them.

const encoder = new TextEncoder();
const length = (text) => encoder.encode(text).length;

/** Bytes of an event beside its JSON, in responses that do not end. */
const CHUNK = 8; // its size and two line breaks
const AROUND = {
  websocket: (id, size) => (size < 126 ? 2 : 4),
  sse: (id) => `id: ${id}\ndata: \n\n`.length + CHUNK,
  'xhr-streaming': () => '\n'.length + CHUNK,
  multipart: (id, size) => `Content-Type: application/json\r\nContent-Length: ${size}\r\n\r\n\r\n--frame\r\n`.length + CHUNK,
  'html-streaming': () => '<script>parent._push0()</script>\n'.length + CHUNK,
};

/** The head of a request, without what differs between pages. */
const ASKING = { websocket: 420, fetch: 177, post: 270, script: 175, iframe: 320 };
/** To secure origins and this machine, browsers send fields that say who asks for what, and Chromium says which brand it is. */
const WHO = (isSecureContext ? 74 : 0) + (navigator.userAgentData ? 88 : 0);
/** The head of a response. */
const ANSWER = 145;

function headUp(kind, target) {
  const more = kind === 'websocket' ? 0 : WHO + location.href.length; // `Referer`
  return (ASKING[kind] ?? ASKING.fetch) + target.length + location.host.length + navigator.userAgent.length + more;
}

export class Wire {
  listening = { requests: 0, up: 0, down: 0 };
  sending = { requests: 0, up: 0, down: 0 };

  constructor(lane) {
    this.lane = lane;
    wires.set(lane, this);
  }

  /** A technique has begun to work. */
  connected(transport) {
    if (transport !== 'websocket') return;
    // The browser tells nothing of it.
    this.listening.requests++;
    this.listening.up += headUp('websocket', `/push?lane=${this.lane}&s=&n=1`);
    this.listening.down += ANSWER;
  }

  /** Connections were dropped, and come back. */
  again(transport) {
    this.connected(transport);
  }

  /** Responses that have not ended, of which the browser has told nothing yet. */
  underway(transport) {
    return transport in AROUND && transport !== 'websocket' ? 1 : 0;
  }

  /** An event has come. Those of polls are in bodies whose length the browser tells. */
  message(transport, id, data) {
    const around = AROUND[transport];
    if (!around) return;
    const size = length(`{"id":"${id}","data":${JSON.stringify(data)}}`);
    this.listening.down += size + around(id, size);
  }

  /** A message was sent. */
  sent(transport, text) {
    const size = length(text);
    this.sending.up += size + (transport === 'websocket' ? 6 : `t${size}:`.length);
  }

  /** The browser tells of a request that is over. */
  finished({ name, initiatorType, encodedBodySize }) {
    const { pathname, search } = new URL(name);
    const isSending = /[?&]n=/.test(search);
    const to = isSending ? this.sending : this.listening;
    to.requests++;
    to.up += headUp(isSending && initiatorType !== 'script' ? 'post' : initiatorType, pathname + search);
    to.down += ANSWER;
    // Events of a response that did not end by itself are counted one by one.
    if (isSending || !/[?&]as=/.test(search)) to.down += encodedBodySize;
  }
}

const wires = new Map(); // by the name of the lane

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) wires.get(/[?&]lane=([\w-]+)/.exec(entry.name)?.[1])?.finished(entry);
  performance.clearResourceTimings(); // else the browser keeps the first few hundred for good
}).observe({ type: 'resource' });
