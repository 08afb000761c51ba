// Who may hold a connection. Over HTTP/1.1 a browser opens six to a server; what it asks for beyond that waits unseen, and with it
// each message that goes up. So five lanes hold one, and one is left for requests that are short. WebSockets count apart.

const MOST = 5;
const TURN = 5000; // ms that a lane waits until another makes room for it

/** Starts, stops and exchanges lanes, so that those run that are wanted and may. Call it often. */
export function take(lanes) {
  for (const lane of lanes) {
    if (!lane.isWanted && lane.state !== 'stopped' && lane.state !== 'closed') lane.stop('stopped');
    else if (lane.isWanted && !lane.isRunning && lane.state !== 'waiting') lane.stop('waiting');
  }
  const byAge = (a, b) => a.since - b.since;
  const waiting = lanes.filter(({ state }) => state === 'waiting').sort(byAge);
  const holders = lanes.filter((lane) => lane.isRunning && lane.isLong).sort(byAge);
  for (const lane of waiting) {
    if (lane.isLong && holders.length >= MOST) {
      if (performance.now() - lane.since < TURN) continue;
      holders.shift().stop('waiting'); // the one that has run longest
    }
    lane.start();
    if (lane.isLong) holders.push(lane);
  }
}
