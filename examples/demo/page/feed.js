// The feed: a WebSocket of its own, compressed or not, and what its messages take on the wire. What it says is listed in
// src/messages.rs. The browser inflates before the page sees anything, so the server tells what it has written to the wire.
import { address, whenOpen } from './connection.js';
import { $, bytes, show } from './dom.js';
import { MINUTE, keepDrawn, plot } from './plot.js';

const PROTOCOL = 'feed.v1';
const PERIOD = 200; // ms between messages
const encoder = new TextEncoder();

let ws = null;
let isPlain = false;
let points = []; // { time, payload, wire }, one a sample
let before = { messages: 0, payload: 0, wire: 0 }; // what the server told last
let received = 0; // bytes of payload, as the page counts them

function open() {
  ws?.close(1000);
  const mine = new WebSocket(address(isPlain ? '/feed?compression=off' : '/feed'), PROTOCOL);
  ws = mine;
  before = { messages: 0, payload: 0, wire: 0 };
  received = 0;
  $('feed-offered').textContent = $('feed-agreed').textContent = $('feed-extensions').textContent = '–';
  show($('feed-ratio'), '', 'opening …');
  mine.onopen = () => ($('feed-extensions').textContent = mine.extensions || 'none');
  mine.onmessage = ({ data }) => ws === mine && heard(data);
  mine.onclose = () => ws === mine && show($('feed-ratio'), false, 'the feed has ended: the button opens it again');
}

function heard(text) {
  const message = JSON.parse(text);
  if (message.type === 'opened') {
    $('feed-offered').textContent = message.offered || 'nothing';
    $('feed-agreed').textContent = message.agreed || 'none';
  } else if (message.type === 'sample') {
    tally(message.before);
    $('feed-latest').textContent = text;
  }
  received += encoder.encode(text).length;
}

/** The message tells what those before it took: so the latest point is about the one before. */
function tally(now) {
  const time = performance.now();
  const [payload, wire] = [now.payload - before.payload, now.wire - before.wire];
  if (before.messages > 0) points.push({ time, payload, wire }); // the first message is no sample
  points = points.filter((point) => time - point.time < MINUTE);
  before = now;
  $('feed-plot').dataset.points = points.length;
  $('feed-payload').textContent = `${payload} B`;
  $('feed-wire').textContent = `${wire} B`;
  const share = `${((100 * now.wire) / now.payload).toFixed(1)} %`;
  const words = `${now.messages} messages with ${bytes(now.payload)} of payload took ${bytes(now.wire)} on the wire: ${share} of it`;
  if (now.payload === received) show($('feed-ratio'), now.wire < now.payload, words);
  else show($('feed-ratio'), false, `the server says ${now.payload} bytes of payload, and ${received} came`);
  $('feed-plot').ariaLabel = `Bytes a message over the last minute; the latest: ${payload} of payload, ${wire} on the wire`;
  draw();
}

function draw() {
  const most = Math.max(100, ...points.map((point) => Math.max(point.payload, point.wire))) * 1.1;
  const on = plot($('feed-plot'), most, (size) => `${size} B`);
  on.line(points, (point) => point.payload, '--other', 5 * PERIOD);
  on.area(points, (point) => point.wire, '--accent', 5 * PERIOD);
}

$('feed-plain').onclick = () => {
  isPlain = !isPlain;
  $('feed-plain').ariaPressed = isPlain;
  open();
};

whenOpen.push(() => {
  if (ws === null || ws.readyState === WebSocket.CLOSED) open();
});

setInterval(draw, 500); // time goes on, even if nothing comes
keepDrawn(draw);
