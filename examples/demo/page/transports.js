// The page of the transports: which lanes there are, and what they show. A lane itself is in lane.js, its plot in strip.js; who may
// hold a connection, in turns.js; bytes and requests, in wire.js. The client of all techniques, PushSocket, is /push.js.
import { $, bytes, millis, show } from './dom.js';
import { Lane } from './lane.js';
import { keepDrawn } from './plot.js';
import { axis, strip } from './strip.js';
import { take } from './turns.js';

const EACH = 500; // ms between two looks at the lanes

const WORDS = [
  ['websocket', 'WebSocket', 'One connection, both ways. A message is a frame, with a head of 2 or 4 bytes.'],
  ['sse', 'Server-Sent Events', 'A response that does not end. The browser cuts it into events.'],
  ['xhr-streaming', 'XHR streaming', 'The same, read by a script: a line is an event. It begins anew behind 64 KiB.'],
  ['multipart', 'Multipart', 'A response of many parts, each in place of the one before: once for moving pictures.'],
  ['html-streaming', 'HTML streaming', 'A hidden frame whose page never ends loading. An event is a script in it.'],
  ['long-polling', 'Long polling', 'A question that is answered when there is something to say; then the next.'],
  ['jsonp', 'JSONP', 'Long polling by script elements, which load from anywhere.'],
  ['short-polling', 'Short polling', 'A question every two seconds, whether there is something or not.'],
  ['chosen', 'Chosen by itself', 'What a page would take: WebSocket if it gets through, else the next that does.'],
];

const rows = WORDS.map(([name, title, sentence]) => addRow(new Lane(name), title, sentence));
const lanes = rows.map(({ lane }) => lane);
window.lanes = Object.fromEntries(lanes.map((lane) => [lane.name, lane]));

function addRow(lane, title, sentence) {
  const item = $('lane').content.cloneNode(true).firstElementChild;
  const [heading, button] = [item.querySelector('h3'), item.querySelector('button')];
  item.dataset.lane = lane.name;
  heading.id = `lane-${lane.name}`;
  heading.textContent = title;
  item.setAttribute('aria-labelledby', heading.id);
  item.querySelector('.note').textContent = sentence;
  button.onclick = () => {
    lane.isWanted = !lane.isWanted;
    look();
  };
  $('lanes').append(item);
  return { lane, title, item, button };
}

for (const [id, isWanted] of [['start', true], ['stop', false]]) {
  $(id).onclick = () => {
    for (const lane of lanes) lane.isWanted = isWanted;
    look();
  };
}
$('cut').onclick = () => {
  // What a browser says when it has another network: a PushSocket then drops its connection and makes another.
  dispatchEvent(new Event('online'));
  for (const lane of lanes) lane.wire.again(lane.transport);
};

function look() {
  take(lanes);
  const seen = rows.map((row) => ({ ...row, cost: row.lane.cost() }));
  const most = (what) => Math.max(1, ...seen.map(({ cost }) => cost[what]));
  const scale = { perMinute: most('perMinute'), perMessage: most('perMessage') };
  for (const row of seen) showRow(row, scale);
  summarize();
  draw();
}

function showRow({ lane, title, item, button, cost }, scale) {
  const { state, transport } = lane;
  const chip = item.querySelector('.state');
  const words = state === 'waiting' ? 'waits for its turn' : state;
  chip.dataset.state = state;
  chip.textContent = lane.name === 'chosen' && transport ? `${words}: ${transport}` : words;
  button.textContent = lane.isWanted ? 'Stop' : 'Start';
  button.ariaLabel = `${button.textContent} ${title}`;
  const known = (value, words) => (Number.isFinite(value) ? words(value) : '–');
  const figures = {
    received: lane.received,
    lost: lane.lost,
    doubled: lane.doubled,
    now: known(lane.delay, millis),
    median: known(lane.median, millis),
    trip: known(lane.trip, millis),
    requests: cost.requests,
    down: `≈ ${bytes(Math.round(cost.down))}`,
    up: `≈ ${bytes(Math.round(cost.up))}`,
    perMinute: known(cost.perMinute, Math.round),
    perMessage: known(cost.perMessage, (size) => `≈ ${Math.round(size)} B`),
  };
  for (const [name, text] of Object.entries(figures)) item.querySelector(`[data-of="${name}"]`).textContent = text;
  for (const name of ['lost', 'doubled']) item.querySelector(`[data-of="${name}"]`).dataset.ok = lane[name] === 0;
  ['perMinute', 'perMessage'].forEach((name, at) => {
    item.querySelectorAll('.bar')[at].style.setProperty('--share', `${(100 * (cost[name] || 0)) / scale[name]}%`);
  });
  item.querySelector('canvas').ariaLabel = `${title}, delays of the last minute: now ${figures.now}, median ${figures.median}`;
}

function summarize() {
  const sum = (what) => lanes.reduce((total, lane) => total + lane[what], 0);
  const [received, lost, doubled] = [sum('received'), sum('lost'), sum('doubled')];
  const open = lanes.filter(({ state }) => state === 'open').length;
  const text = received === 0 && open === 0 ? 'nothing is running'
    : `${open} of ${lanes.length} lanes are open; ${lost || 'none'} lost, ${doubled || 'none'} doubled`;
  // It is read out when it changes, so it has no numbers that always do.
  if ($('summary').textContent !== text) show($('summary'), received > 0 ? lost + doubled === 0 : '', text);
}

function draw() {
  for (const { lane, item } of rows) strip(item.querySelector('canvas'), lane.dots, lane.median);
  axis($('axis'));
}

if (!window.PushSocket) show($('summary'), false, 'the script of the transports, /push.js, is not there');
else setInterval(look, EACH);
look();
keepDrawn(draw);
