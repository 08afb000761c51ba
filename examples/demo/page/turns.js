// Who may hold a connection. Over HTTP/1.1 a browser opens six to a server; what it asks for beyond that waits unseen, and with it
// each message that goes up. So five lanes hold one, and one is left for requests that are short. WebSockets count apart. A server
// with less room says in the page how many lanes may hold one, and how many may run at all.

const { held = 5, lanes: running = Infinity } = document.documentElement.dataset;
const TURN = 5000; // ms that a lane waits until another makes room for it

/** Starts, stops and exchanges lanes, so that those run that are wanted and may. Call it often. */
export function take(lanes) {
  for (const lane of lanes) {
    if (!lane.isWanted && lane.state !== 'stopped' && lane.state !== 'closed') lane.stop('stopped');
    else if (lane.isWanted && !lane.isRunning && lane.state !== 'waiting') lane.stop('waiting');
  }
  const byAge = (a, b) => a.since - b.since;
  const waiting = lanes.filter(({ state }) => state === 'waiting').sort(byAge);
  const runners = lanes.filter(({ isRunning }) => isRunning).sort(byAge);
  for (const lane of waiting) {
    const holders = runners.filter(({ isLong }) => isLong);
    const others = lane.isLong && holders.length >= held ? holders : runners.length >= running ? runners : [];
    if (others.length > 0) {
      // The one that has run longest goes; it takes a moment until its place is free.
      if (performance.now() - lane.since >= TURN) others[0].stop('waiting');
      break;
    }
    lane.start();
    runners.push(lane);
  }
}
