// The page's half of the demo. What is said over the WebSocket is listed in src/messages.rs.
'use strict';

const PROTOCOL = 'demo.v1';
const ECHO = 0x45; // 'E'
const FRAME = 0x46; // 'F'
const MEBIBYTE = 1 << 20;

const $ = (id) => document.getElementById(id);
const encoder = new TextEncoder();

function show(output, ok, text) {
  output.dataset.ok = ok;
  output.textContent = text;
}

function element(tag, text = '', className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function bytes(n) {
  if (n < 1024) return `${n} B`;
  return n < MEBIBYTE ? `${(n / 1024).toFixed(n < 10240 ? 1 : 0)} KiB` : `${(n / MEBIBYTE).toFixed(1)} MiB`;
}

// Some browsers round their clocks to whole milliseconds.
const millis = (ms) => (ms < 0.05 ? 'below 1 ms' : ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`);

// --- The connection -------------------------------------------------------------------------------------------------

let ws;
let tab = 0;
let closer = 'server'; // who began, unless the page did

function connect() {
  const url = new URL('/ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  ws = new WebSocket(url, PROTOCOL);
  ws.binaryType = 'arraybuffer';
  ws.onopen = opened;
  ws.onmessage = received;
  ws.onclose = closed;
  closer = 'server';
  $('protocol').textContent = '–';
  show($('close-result'), '', '');
  showState('connecting');
}

function opened() {
  $('protocol').textContent = ws.protocol;
  showState('open');
}

function closed(event) {
  showState('closed');
  $('others').textContent = '–';
  dropScreens([]);
  for (const [output, pending] of [[$('echo-result'), echo], [$('binary-result'), binary]]) {
    if (pending.sent) show(output, false, 'the connection closed before it came back');
    pending.sent = null;
  }
  if (tab !== 0) {
    const saw = { code: event.code, reason: event.reason, clean: event.wasClean };
    closings.set(tab, { ...closings.get(tab), began: closer, page: saw });
    showClosings();
  }
  tab = 0;
}

function showState(state) {
  $('state').dataset.state = state;
  $('state').textContent = state;
  $('reconnect').disabled = state !== 'closed';
  if (state !== 'open') $('tab').textContent = '–';
}

function send(message) {
  if (ws.readyState !== WebSocket.OPEN) return false;
  ws.send(message instanceof Uint8Array ? message : JSON.stringify(message));
  return true;
}

const hear = {
  welcome(message) {
    tab = message.tab;
    canvas.underway = 0;
    $('tab').textContent = tab;
    message.closings.forEach(hear.closed);
  },
  tabs({ tabs }) {
    const others = tabs.filter((other) => other !== tab);
    $('others').textContent = others.join(', ') || 'none';
    dropScreens(others);
    canvas.isDirty = canvas.isDrawn && others.length > 0; // who has just come has seen nothing yet
    share();
  },
  echo: echoed,
  story: storyTold,
  pong: ponged,
  chat: chatted,
  taken() {
    canvas.underway--;
    share();
  },
  closed(closing) {
    const known = closings.get(closing.tab);
    const began = known?.began ?? (closing.by_server ? 'server' : closing.code ? 'page' : '');
    closings.set(closing.tab, { ...known, began, server: closing });
    showClosings();
  },
  error: ({ text }) => show($('close-result'), false, `the server says: ${text}`),
};

function received({ data }) {
  if (typeof data === 'string') {
    const message = JSON.parse(data);
    hear[message.type]?.(message);
    return;
  }
  const view = new DataView(data);
  if (view.getUint8(0) === ECHO) binaryEchoed(new Uint8Array(data));
  else if (view.getUint8(0) === FRAME) showScreen(view.getUint32(1), data.slice(5));
}

$('reconnect').onclick = connect;

// --- Echo -----------------------------------------------------------------------------------------------------------

const echo = { sent: null, at: 0 };
const binary = { sent: null, at: 0 };

$('echo-form').onsubmit = (event) => {
  event.preventDefault();
  const text = $('echo-text').value;
  echo.at = performance.now();
  echo.sent = send({ type: 'echo', text }) ? { text } : null;
  show($('echo-result'), !!echo.sent && '', echo.sent ? 'sent …' : 'not connected');
};

function echoed({ text }) {
  const ok = echo.sent?.text === text;
  const time = millis(performance.now() - echo.at);
  show($('echo-result'), ok, ok ? `“${text}” came back in ${time}` : `another text came back: “${text}”`);
  echo.sent = null;
}

/** The byte that makes it an echo, and n random ones. */
function randomBytes(n) {
  const made = new Uint8Array(n + 1);
  made[0] = ECHO;
  // The browser makes at most 64 KiB at once.
  for (let at = 1; at <= n; at += 65536) crypto.getRandomValues(made.subarray(at, Math.min(n + 1, at + 65536)));
  return made;
}

$('binary-form').onsubmit = (event) => {
  event.preventDefault();
  const made = randomBytes(Number($('binary-size').value));
  binary.at = performance.now();
  binary.sent = send(made) ? made : null;
  show($('binary-result'), !!binary.sent && '', binary.sent ? 'sent …' : 'not connected');
};

function binaryEchoed(came) {
  const sent = binary.sent;
  const time = performance.now() - binary.at;
  const ok = sent?.length === came.length && sent.every((byte, at) => byte === came[at]);
  const size = bytes(came.length - 1);
  show($('binary-result'), ok, ok ? `${size} came back unchanged in ${millis(time)}` : `${size} came back changed`);
  binary.sent = null;
}

// --- Fragments ------------------------------------------------------------------------------------------------------

$('story-form').onsubmit = (event) => {
  event.preventDefault();
  const isSent = send({ type: 'story', fragments: Number($('story-count').value) });
  show($('story-result'), isSent && '', isSent ? 'asked …' : 'not connected');
};

function storyTold({ fragments, text }) {
  const lines = text.trimEnd().split('\n');
  const ok = lines.length === fragments && lines.every((line, at) => line === `piece ${at + 1} of ${fragments} ✓`);
  const size = bytes(encoder.encode(text).length);
  show($('story-result'), ok, ok ? `one message of ${size}, sent in ${fragments} fragments` : 'it came damaged');
  const shown = lines.length <= 8 ? lines : [...lines.slice(0, 3), '…', ...lines.slice(-2)];
  $('story-text').textContent = shown.join('\n');
}

// --- Round trips ----------------------------------------------------------------------------------------------------

const EACH = 500;
const MINUTE = 60000;
let trips = []; // { time, page, heartbeat }

setInterval(() => {
  if (tab !== 0) send({ type: 'ping', at: performance.now() });
  draw();
  showRates();
}, EACH);

function ponged({ at, heartbeat }) {
  const time = performance.now();
  trips.push({ time, page: time - at, heartbeat });
  trips = trips.filter((trip) => time - trip.time < MINUTE);
  $('plot').dataset.points = trips.length;
  $('rtt-page').textContent = millis(time - at);
  $('rtt-heartbeat').textContent = heartbeat === null ? 'not yet' : millis(heartbeat);
  $('plot').ariaLabel = `Round trips over the last minute; the latest: page ${$('rtt-page').textContent}, `
    + `server's heartbeat ${$('rtt-heartbeat').textContent}`;
  draw();
}

function draw() {
  const plot = $('plot');
  const scale = devicePixelRatio;
  const [width, height] = [plot.clientWidth, plot.clientHeight];
  if (plot.width !== Math.round(width * scale) || plot.height !== Math.round(height * scale)) {
    plot.width = Math.round(width * scale);
    plot.height = Math.round(height * scale);
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const to = plot.getContext('2d');
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  const [left, right, top, bottom] = [52, width - 8, 10, height - 24];

  // The next of 1, 2, 5, 10, ... above the slowest.
  const most = Math.max(2, ...trips.map((trip) => Math.max(trip.page, trip.heartbeat ?? 0))) * 1.1;
  const power = 10 ** Math.floor(Math.log10(most));
  const ceiling = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most);
  const now = performance.now();
  const x = (time) => right - ((now - time) / MINUTE) * (right - left);
  const y = (ms) => bottom - (ms / ceiling) * (bottom - top);

  to.font = '12px system-ui, sans-serif';
  to.fillStyle = colour('--soft');
  to.strokeStyle = colour('--line');
  to.lineWidth = 1;
  to.textBaseline = 'middle';
  to.textAlign = 'right';
  for (const ms of [0, ceiling / 2, ceiling]) {
    to.beginPath();
    to.moveTo(left, Math.round(y(ms)) + 0.5);
    to.lineTo(right, Math.round(y(ms)) + 0.5);
    to.stroke();
    to.fillText(ms < 1000 ? `${ms} ms` : `${ms / 1000} s`, left - 8, y(ms));
  }
  to.textBaseline = 'top';
  for (const [ago, label, align] of [[60, '60 s ago', 'left'], [30, '30 s', 'center'], [0, 'now', 'right']]) {
    to.textAlign = align;
    to.fillText(label, x(now - ago * 1000), bottom + 8);
  }

  to.strokeStyle = colour('--accent');
  to.lineWidth = 2;
  to.lineJoin = 'round';
  to.beginPath();
  trips.forEach((trip, at) => {
    const isGap = at === 0 || trip.time - trips[at - 1].time > 5 * EACH;
    to[isGap ? 'moveTo' : 'lineTo'](x(trip.time), y(trip.page));
  });
  to.stroke();
  to.fillStyle = colour('--other');
  for (const trip of trips.filter(({ heartbeat }) => heartbeat !== null)) {
    to.beginPath();
    to.arc(x(trip.time), y(trip.heartbeat), 2.5, 0, 2 * Math.PI);
    to.fill();
  }
}

addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

// --- Closing --------------------------------------------------------------------------------------------------------

const closings = new Map(); // by tab: { began, page, server }

$('close-form').onsubmit = (event) => {
  event.preventDefault();
  show($('close-result'), '', '');
  const code = Number($('close-code').value);
  const reason = $('close-reason').value;
  if (event.submitter?.value !== 'page') {
    if (!send({ type: 'close', code, reason })) show($('close-result'), false, 'not connected');
    return;
  }
  try {
    ws.close(code, reason);
    closer = 'page';
  } catch {
    show($('close-result'), false, 'a page may close with 1000 or 3000 to 4999, and a reason of up to 123 bytes');
  }
};

$('too-big').onclick = () => {
  const isSent = send(randomBytes(MEBIBYTE + 1));
  show($('close-result'), isSent && '', isSent ? '1 byte above 1 MiB sent' : 'not connected');
};

function showClosings() {
  const rows = [...closings].sort(([a], [b]) => b - a).slice(0, 8).map(([closed, { began, page, server }]) => {
    const row = element('tr');
    row.dataset.tab = closed;
    row.append(element('td', closed), element('td', began), element('td', inWords(page, '–')),
      element('td', inWords(server, page ? 'reconnect to hear it' : '–')));
    return row;
  });
  $('closings').replaceChildren(...rows);
}

function inWords(saw, otherwise) {
  if (!saw) return otherwise;
  const reason = saw.reason && ` “${saw.reason}”`;
  return `${saw.code ?? 'no code'}${reason}, ${saw.clean ? 'clean' : 'not clean'}`;
}

// --- Tabs talking ---------------------------------------------------------------------------------------------------

$('chat-form').onsubmit = (event) => {
  event.preventDefault();
  if (send({ type: 'chat', text: $('chat-text').value })) $('chat-text').value = '';
};

function chatted({ tab: from, text }) {
  const line = element('li', '', from === tab ? 'own' : '');
  line.append(element('b', from === tab ? 'you' : `tab ${from}`), text);
  $('chat').querySelector('.empty')?.remove();
  $('chat').append(line);
  while ($('chat').children.length > 100) $('chat').firstChild.remove();
  $('chat').scrollTop = $('chat').scrollHeight;
}

// --- Shared screen: this tab's canvas ---------------------------------------------------------------------------------

const canvas = {
  pen: $('canvas').getContext('2d', { willReadFrequently: true }),
  isDrawn: false,
  isDirty: false, // since the latest picture was made
  isBusy: false, // a picture is being made
  underway: 0, // pictures sent that the server has not taken yet
  rate: rate(),
};
let last = null; // where the pointer was
let timer = 0;

function wipe() {
  canvas.pen.fillStyle = '#fff';
  canvas.pen.fillRect(0, 0, 320, 180);
}

/** Something is drawn: the others are to see it. */
function touch() {
  canvas.isDrawn = true;
  canvas.isDirty = true;
  share();
}

/** Sends a picture if there is a new one and those before were taken: a slow connection gets fewer, never older ones. */
function share() {
  if (!canvas.isDirty || canvas.isBusy || canvas.underway >= 2 || tab === 0) return;
  canvas.isDirty = false;
  canvas.isBusy = true;
  $('canvas').toBlob(async (blob) => {
    const picture = new Uint8Array(await blob.arrayBuffer());
    const message = new Uint8Array(picture.length + 1);
    message[0] = FRAME;
    message.set(picture, 1);
    if (send(message)) {
      canvas.underway++;
      canvas.rate.add(picture.length);
    }
    canvas.isBusy = false;
    share();
  }, 'image/png');
}

function place(event) {
  const box = $('canvas').getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * 320, ((event.clientY - box.top) / box.height) * 180];
}

$('canvas').onpointerdown = (event) => {
  $('canvas').setPointerCapture(event.pointerId);
  last = place(event);
  $('canvas').onpointermove(event);
};

$('canvas').onpointermove = (event) => {
  if (!last) return;
  const next = place(event);
  const { pen } = canvas;
  pen.strokeStyle = `hsl(${(performance.now() / 10) % 360} 80% 45%)`;
  pen.lineWidth = 6;
  pen.lineCap = 'round';
  pen.beginPath();
  pen.moveTo(...last);
  pen.lineTo(...next);
  pen.stroke();
  last = next;
  touch();
};

$('canvas').onpointerup = $('canvas').onpointercancel = () => (last = null);

$('clear').onclick = () => {
  wipe();
  touch();
};

$('animate').onclick = () => {
  const isOn = timer === 0;
  if (isOn) timer = setInterval(animate, 40);
  else timer = clearInterval(timer) ?? 0;
  $('animate').ariaPressed = isOn;
};

function animate() {
  wipe();
  const { pen } = canvas;
  const turn = performance.now() / 1500;
  for (let n = 0; n < 24; n++) {
    const angle = turn + (n * Math.PI) / 12;
    const reach = 62 + 18 * Math.sin(turn * 2 + n);
    pen.fillStyle = `hsl(${n * 15} 75% 50%)`;
    pen.beginPath();
    pen.arc(160 + 1.7 * reach * Math.cos(angle), 90 + reach * Math.sin(angle), 5 + (n % 4), 0, 2 * Math.PI);
    pen.fill();
  }
  touch();
}

/** Counts pictures and their bytes over the last two seconds. */
function rate() {
  let seen = [];
  return {
    add: (size) => seen.push({ at: performance.now(), size }),
    text() {
      const now = performance.now();
      seen = seen.filter(({ at }) => now - at < 2000);
      const total = seen.reduce((sum, { size }) => sum + size, 0);
      return `${Math.round(seen.length / 2)} pictures/s, ${Math.round(total / 2000)} kB/s`;
    },
  };
}

function showRates() {
  if (canvas.isDrawn) $('sent').textContent = `sent: ${canvas.rate.text()}`;
  for (const [from, { caption, rate }] of screens) caption.textContent = `tab ${from}: ${rate.text()}`;
}

// --- Shared screen: what the other tabs draw ----------------------------------------------------------------------------

const screens = new Map(); // by tab: { figure, context, caption, rate, isBusy, next }

async function showScreen(from, picture) {
  const screen = screens.get(from) ?? addScreen(from);
  screen.rate.add(picture.byteLength);
  screen.next = picture;
  if (screen.isBusy) return; // one at a time: so they cannot overtake each other
  screen.isBusy = true;
  while (screen.next) {
    const current = screen.next;
    screen.next = null;
    try {
      const bitmap = await createImageBitmap(new Blob([current], { type: 'image/png' }));
      screen.context.drawImage(bitmap, 0, 0);
      bitmap.close();
    } catch {
      continue; // no picture: the next one may be
    }
  }
  screen.isBusy = false;
}

function addScreen(from) {
  const figure = element('figure');
  const view = element('canvas');
  [view.width, view.height] = [320, 180];
  figure.dataset.tab = from;
  const caption = element('figcaption');
  view.setAttribute('role', 'img');
  view.ariaLabel = `What tab ${from} draws`;
  figure.append(view, caption);
  $('screens').querySelector('.empty')?.remove();
  $('screens').append(figure);
  const screen = { figure, caption, context: view.getContext('2d'), rate: rate(), isBusy: false, next: null };
  screens.set(from, screen);
  return screen;
}

/** Forgets the screens of those who have left. */
function dropScreens(others) {
  for (const [from, { figure }] of screens) {
    if (others.includes(from)) continue;
    figure.remove();
    screens.delete(from);
  }
  if (screens.size === 0) $('screens').replaceChildren(element('p', 'no other tab has drawn yet', 'empty'));
}

wipe();
connect();
draw();
