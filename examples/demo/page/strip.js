// The plot of a lane: a dot a message, over the last minute, on a scale on which each step is ten times the one before. All strips have
// the same axes, so they can be compared; the times are written once, below the last.
import { MINUTE } from './plot.js';

const [LEFT, RIGHT] = [44, 6]; // px beside the plot
const DECADES = ['1 ms', '10 ms', '0.1 s', '1 s', '10 s'];

/** `dots` have a `time` and a `delay` in ms; a `median` that is no number is not drawn. */
export function strip(canvas, dots, median) {
  const { to, width, height, colour, x } = begin(canvas);
  const [top, bottom] = [7, height - 7];
  const y = (ms) => bottom - (Math.min(4, Math.max(0, Math.log10(ms))) / 4) * (bottom - top);
  to.textAlign = 'right';
  to.textBaseline = 'middle';
  DECADES.forEach((words, power) => {
    const at = Math.round(y(10 ** power)) + 0.5;
    line(to, LEFT, at, width - RIGHT, at);
    to.fillText(words, LEFT - 6, at);
  });
  const now = performance.now();
  for (const ago of [15, 30, 45]) line(to, x(ago), top, x(ago), bottom);

  to.fillStyle = colour('--accent');
  for (const { time, delay } of dots) {
    const ago = (now - time) / 1000;
    if (ago * 1000 < MINUTE) to.fillRect(x(ago) - 1, y(delay) - 1, 2, 2);
  }
  if (Number.isFinite(median)) {
    to.strokeStyle = colour('--other');
    to.lineWidth = 2;
    to.setLineDash([6, 4]);
    line(to, LEFT, Math.round(y(median)), width - RIGHT, Math.round(y(median)));
    to.setLineDash([]);
  }
}

/** The time axis of all strips. */
export function axis(canvas) {
  const { to, x, width } = begin(canvas);
  to.textBaseline = 'top';
  for (const ago of width < 360 ? [60, 30, 0] : [60, 45, 30, 15, 0]) {
    to.textAlign = { 60: 'left', 0: 'right' }[ago] ?? 'center';
    to.fillText({ 60: '60 s ago', 0: 'now' }[ago] ?? `${ago} s`, x(ago), 4);
  }
}

/** Clears the canvas; `x` is where so many seconds ago lie. */
function begin(canvas) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  }
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name);
  const to = canvas.getContext('2d');
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  to.font = '11px system-ui, sans-serif';
  to.fillStyle = colour('--soft');
  to.strokeStyle = colour('--line');
  to.lineWidth = 1;
  const x = (ago) => width - RIGHT - (ago / 60) * (width - RIGHT - LEFT);
  return { to, width, height, colour, x };
}

function line(to, x1, y1, x2, y2) {
  to.beginPath();
  to.moveTo(x1, y1);
  to.lineTo(x2, y2);
  to.stroke();
}
