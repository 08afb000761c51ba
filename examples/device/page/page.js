// What the page does: it shows what the device says over /live, asks it to switch the LED, and tries /echo.
// The messages of the subprotocol live.v1 are JSON texts:
//   from the device, twice a second, and at once when the LED changes:
//     {"temperature":23.45,"led":true,"uptime":1234,"watching":2}    degrees Celsius; seconds
//   to the device: {"led":true} or {"led":false}
'use strict';

const WINDOW = 120000; // of the plot, in ms
const PERIOD = 500; // of the device's messages
const SILENCE = 5000; // after which a device that says nothing is given up
const PATIENCE = 10000; // for an answer to what was asked

const $ = (id) => document.getElementById(id);
const body = document.body;
const still = matchMedia('(prefers-reduced-motion: reduce)');
const now = () => performance.now();

/** Sets only what changes: a screen reader is told of nothing else. */
function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

// Some browsers round their clocks to whole milliseconds.
const millis = (ms) => (ms < 0.1 ? 'below 1 ms' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);

// --- The connection -------------------------------------------------------------------------------------------------

let live;
let heard; // when the device last said something
let retryAt = 0; // 0 unless Closed
let failures = 0; // in a row
let opened = 0;

const socket = (path, ...protocols) =>
  new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${path}`, ...protocols);

function connect() {
  retryAt = 0;
  heard = now();
  live = socket('/live', 'live.v1');
  live.onmessage = ({ data }) => told(count('received', data));
  live.onopen = () => {
    put('again', `${opened++} ×`);
    showState();
  };
  live.onclose = lost;
  showState();
}

/** Waits twice as long each time, and never as long as another page does: or all would come back at once. */
function lost() {
  const most = Math.min(15000, 500 * 2 ** failures++);
  retryAt = now() + most * (0.5 + Math.random() / 2);
  asked = null;
  showState();
}

function showState() {
  const state = retryAt ? 'Closed' : ['Connecting', 'Open', 'Closing', 'Closed'][live.readyState];
  put('state', state);
  $('state').dataset.state = state.toLowerCase();
  put('retry', retryAt ? `next try in ${Math.max(1, Math.ceil((retryAt - now()) / 1000))} s` : '');
  $('now').hidden = !retryAt;
  const isOpen = state === 'Open';
  body.classList.toggle('open', isOpen);
  showLed(isOpen);
}

function tick() {
  if (retryAt) {
    if (now() >= retryAt) connect();
  } else if (now() - heard > (live.readyState === 1 ? SILENCE : PATIENCE)) {
    // Out of reach, perhaps: its end of the connection may never come.
    live.onopen = live.onmessage = live.onclose = null;
    live.close();
    lost();
  }
  showState();
}

setInterval(tick, 250);
$('now').onclick = connect;
addEventListener('online', () => retryAt && connect());
document.addEventListener('visibilitychange', () => !document.hidden && retryAt && connect());

const counts = { received: [0, 0], sent: [0, 0] };

/** Counts a message and its payload, and passes it on. */
function count(way, text) {
  const [messages, size] = [counts[way][0] + 1, counts[way][1] + new TextEncoder().encode(text).length];
  counts[way] = [messages, size];
  put(way, `${messages} (${size < 1000 ? `${size} B` : `${(size / 1000).toFixed(1)} kB`})`);
  return text;
}

// --- What the device says -------------------------------------------------------------------------------------------

let points = []; // { time, temperature, led }
let led = null;

function told(text) {
  const { temperature, uptime, watching, ...rest } = JSON.parse(text);
  heard = now();
  failures = 0;
  led = rest.led;
  points.push({ time: heard, temperature, led });
  points = points.filter(({ time }) => heard - time < WINDOW + 2 * PERIOD);
  const all = points.map((point) => point.temperature);
  const span = `lowest ${Math.min(...all).toFixed(2)}, highest ${Math.max(...all).toFixed(2)}`;
  put('temperature', temperature.toFixed(2));
  put('span', span);
  put('watching', `${watching}`);
  put('uptime', duration(uptime));
  $('plot').setAttribute('aria-label', `Temperature over the last two minutes: ${span} °C`);
  if (asked?.led === led) {
    put('trip', millis(heard - asked.at));
    asked = null;
  }
  showLed(true);
  draw();
}

function duration(s) {
  const parts = [[Math.floor(s / 86400), 'd'], [Math.floor(s / 3600) % 24, 'h'], [Math.floor(s / 60) % 60, 'min'], [s % 60, 's']];
  const first = parts.findIndex(([n]) => n > 0);
  return parts.slice(first < 0 ? 3 : first).slice(0, 2).map(([n, unit]) => `${n} ${unit}`).join(' ');
}

// --- The LED --------------------------------------------------------------------------------------------------------

let asked = null; // { led, at }: what the device has not done yet

$('led').onclick = () => {
  if ($('led').getAttribute('aria-disabled') === 'true') return;
  asked = { led: !(asked ?? { led }).led, at: now() };
  live.send(count('sent', `{"led":${asked.led}}`));
  showLed(true);
};

/** Shows the device's LED, which is not what was asked for until the device says so. */
function showLed(isOpen) {
  if (asked && now() - asked.at > PATIENCE) asked = null;
  const isKnown = isOpen && led !== null;
  const states = { checked: isKnown && led, busy: !!asked, disabled: !isKnown };
  for (const state in states) $('led').setAttribute(`aria-${state}`, states[state]);
  body.classList.toggle('lit', isKnown && led);
  put('led-said', !isKnown ? 'not known' : asked ? 'asked the device …' : led ? 'on, says the device' : 'off, says the device');
}

// --- The plot -------------------------------------------------------------------------------------------------------

let range = null; // [lowest, highest] on the axis, on its way to where it should be
let drawn = 0;

/** Runs a little behind the device unless motion is unwanted, so that the line grows smoothly instead of by steps. */
function draw() {
  drawn = now();
  const end = still.matches ? drawn : drawn - PERIOD * 1.2;
  const plot = $('plot');
  const scale = devicePixelRatio;
  const [width, height] = [plot.clientWidth, plot.clientHeight];
  for (const [side, size] of [['width', width], ['height', height]]) {
    if (plot[side] !== Math.round(size * scale)) plot[side] = Math.round(size * scale);
  }
  const style = getComputedStyle(body);
  const colour = (name) => style.getPropertyValue(name);
  const to = plot.getContext('2d');
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  const [left, right, top, bottom] = [58, width - 8, 10, height - 28];
  plot.dataset.points = points.length;

  // At least one degree, so that noise looks like noise.
  const all = points.map((point) => point.temperature);
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [20, 21];
  const half = Math.max(1, (high - low) * 1.25) / 2;
  const want = [(low + high) / 2 - half, (low + high) / 2 + half];
  range = range && !still.matches ? range.map((at, n) => at + (want[n] - at) * 0.15) : want;
  const [least, most] = range;
  const x = (time) => right - ((end - time) / WINDOW) * (right - left);
  const y = (value) => bottom - ((value - least) / (most - least)) * (bottom - top);

  to.font = '12px system-ui, sans-serif';
  to.fillStyle = colour('--soft');
  to.strokeStyle = colour('--line');
  to.textBaseline = 'middle';
  to.textAlign = 'right';
  const step = [0.2, 0.5, 1, 2, 5, 10, 20, 50].find((step) => (most - least) / step <= 6.5) ?? 100;
  for (let n = Math.ceil(least / step); n * step <= most; n++) {
    const at = Math.round(y(n * step)) + 0.5;
    to.beginPath();
    to.moveTo(left, at);
    to.lineTo(right, at);
    to.stroke();
    to.fillText(`${(n * step).toFixed(step < 1 ? 1 : 0)} °C`, left - 8, at);
  }
  for (const [share, label, align] of [[0, '2 min ago', 'left'], [0.5, '1 min ago', 'center'], [1, 'now', 'right']]) {
    to.textAlign = align;
    to.fillText(label, left + share * (right - left), bottom + 19);
  }

  to.save();
  to.beginPath();
  to.rect(left, 0, right - left, height);
  to.clip();
  to.lineWidth = 4;
  to.strokeStyle = colour('--lit');
  to.beginPath();
  pairs((from, till) => {
    if (!from.led) return;
    to.moveTo(x(from.time), bottom + 4);
    to.lineTo(x(till.time), bottom + 4);
  });
  to.stroke();

  to.lineWidth = 2;
  to.lineJoin = to.lineCap = 'round';
  to.strokeStyle = to.fillStyle = colour('--accent');
  to.beginPath();
  pairs((from, till, isFirst) => {
    if (isFirst) to.moveTo(x(from.time), y(from.temperature));
    to.lineTo(x(till.time), y(till.temperature));
  });
  to.stroke();
  to.globalAlpha = 0.12;
  to.beginPath();
  pairs((from, till) => {
    to.moveTo(x(from.time), bottom);
    to.lineTo(x(from.time), y(from.temperature));
    to.lineTo(x(till.time), y(till.temperature));
    to.lineTo(x(till.time), bottom);
  });
  to.fill();
  to.restore();

  // A dot where the line ends.
  pairs((from, till) => {
    if (from.time > end || till.time < end) return;
    const share = (end - from.time) / (till.time - from.time);
    to.fillStyle = colour('--accent');
    to.beginPath();
    to.arc(right, y(from.temperature + share * (till.temperature - from.temperature)), 4, 0, 7);
    to.fill();
  });
}

/** Neighbours between which the device was heard all the time. */
function pairs(each) {
  let isFirst = true;
  for (let n = 1; n < points.length; n++) {
    const isGap = points[n].time - points[n - 1].time > 4 * PERIOD;
    if (!isGap) each(points[n - 1], points[n], isFirst);
    isFirst = isGap;
  }
}

/** Twenty pictures a second: the line moves half a pixel in that time. */
function move() {
  if (!still.matches && now() - drawn > 45) draw();
  requestAnimationFrame(move);
}

addEventListener('resize', draw);

// --- Echo -----------------------------------------------------------------------------------------------------------

const IDLE = 5000; // after which the connection is given back: the device has few

let echo = null;
let sent = null; // { text, at }
let timer;

$('echo').onsubmit = (event) => {
  event.preventDefault();
  if (sent) return;
  sent = { text: $('echo-text').value };
  clearTimeout(timer);
  timer = setTimeout(() => hangUp('no answer'), PATIENCE);
  reply('', 'sent …');
  if (echo) return sendEcho();
  echo = socket('/echo');
  echo.onopen = sendEcho;
  echo.onmessage = echoed;
  echo.onclose = () => hangUp('the connection closed; the device may have too many');
};

function sendEcho() {
  sent.at = now();
  echo.send(count('sent', sent.text));
}

function echoed({ data }) {
  count('received', data);
  const ok = data === sent?.text;
  const trip = ok && millis(now() - sent.at);
  if (ok) put('trip', trip);
  reply(ok, ok ? `“${data}” came back in ${trip}` : `something else came back: “${data}”`);
  sent = null;
  clearTimeout(timer);
  timer = setTimeout(hangUp, IDLE);
}

function hangUp(why) {
  clearTimeout(timer);
  if (sent) reply(false, why);
  sent = null;
  echo.onopen = echo.onmessage = echo.onclose = null;
  echo.close(1000);
  echo = null;
}

function reply(ok, text) {
  $('echo-reply').dataset.ok = ok;
  put('echo-reply', text);
}

connect();
move();
