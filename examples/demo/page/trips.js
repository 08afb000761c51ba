// Round trips: of the page's own messages, and of the server's heartbeat.
import { hear, send, tab } from './connection.js';
import { $, millis } from './dom.js';
import { MINUTE, keepDrawn, plot } from './plot.js';

const EACH = 500; // ms
let trips = []; // { time, page, heartbeat }

setInterval(() => {
  if (tab !== 0) send({ type: 'ping', at: performance.now() });
  draw();
}, EACH);

hear.pong = ({ at, heartbeat }) => {
  const time = performance.now();
  trips.push({ time, page: time - at, heartbeat });
  trips = trips.filter((trip) => time - trip.time < MINUTE);
  $('plot').dataset.points = trips.length;
  $('rtt-page').textContent = millis(time - at);
  $('rtt-heartbeat').textContent = heartbeat === null ? 'not yet' : millis(heartbeat);
  $('plot').ariaLabel = `Round trips over the last minute; the latest: page ${$('rtt-page').textContent}, `
    + `server's heartbeat ${$('rtt-heartbeat').textContent}`;
  draw();
};

function draw() {
  const most = Math.max(2, ...trips.map((trip) => Math.max(trip.page, trip.heartbeat ?? 0))) * 1.1;
  const on = plot($('plot'), most, (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`));
  on.line(trips, (trip) => trip.page, '--accent', 5 * EACH);
  on.dots(trips.filter(({ heartbeat }) => heartbeat !== null), (trip) => trip.heartbeat, '--other');
}

keepDrawn(draw);
