// Plots of the last minute: axes, lines, areas, dots. What is plotted is the caller's.

export const MINUTE = 60000;

/**
 * Clears a canvas and draws its axes: the last minute to the right; upwards from 0 to a round number above `most`, in the words
 * of `label`. Returns what draws on it: points have a `time`, `value` says how high they are, colours are those of the style
 * sheet.
 */
export function plot(canvas, most, label) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const to = canvas.getContext('2d');
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  const [left, right, top, bottom] = [52, width - 8, 10, height - 24];

  // The next of 1, 2, 5, 10, ... above the highest.
  const power = 10 ** Math.floor(Math.log10(most));
  const ceiling = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most);
  const now = performance.now();
  const x = (time) => right - ((now - time) / MINUTE) * (right - left);
  const y = (value) => bottom - (value / ceiling) * (bottom - top);

  to.font = '12px system-ui, sans-serif';
  to.fillStyle = colour('--soft');
  to.strokeStyle = colour('--line');
  to.lineWidth = 1;
  to.textBaseline = 'middle';
  to.textAlign = 'right';
  for (const value of [0, ceiling / 2, ceiling]) {
    to.beginPath();
    to.moveTo(left, Math.round(y(value)) + 0.5);
    to.lineTo(right, Math.round(y(value)) + 0.5);
    to.stroke();
    to.fillText(label(value), left - 8, y(value));
  }
  to.textBaseline = 'top';
  for (const [ago, words, align] of [[60, '60 s ago', 'left'], [30, '30 s', 'center'], [0, 'now', 'right']]) {
    to.textAlign = align;
    to.fillText(words, x(now - ago * 1000), bottom + 8);
  }

  /** Points of which none is more than `gap` ms after the one before. */
  function* runs(points, gap) {
    let begin = 0;
    for (let at = 1; at <= points.length; at++) {
      if (at < points.length && points[at].time - points[at - 1].time <= gap) continue;
      yield points.slice(begin, at);
      begin = at;
    }
  }

  return {
    line(points, value, name, gap) {
      to.strokeStyle = colour(name);
      to.lineWidth = 2;
      to.lineJoin = 'round';
      to.beginPath();
      for (const run of runs(points, gap)) {
        run.forEach((point, at) => to[at === 0 ? 'moveTo' : 'lineTo'](x(point.time), y(value(point))));
      }
      to.stroke();
    },
    /** From 0 up to the line. */
    area(points, value, name, gap) {
      to.fillStyle = colour(name);
      to.globalAlpha = 0.18;
      for (const run of runs(points, gap)) {
        if (run.length === 0) continue;
        to.beginPath();
        to.moveTo(x(run[0].time), y(0));
        for (const point of run) to.lineTo(x(point.time), y(value(point)));
        to.lineTo(x(run.at(-1).time), y(0));
        to.fill();
      }
      to.globalAlpha = 1;
      this.line(points, value, name, gap);
    },
    dots(points, value, name) {
      to.fillStyle = colour(name);
      for (const point of points) {
        to.beginPath();
        to.arc(x(point.time), y(value(point)), 2.5, 0, 2 * Math.PI);
        to.fill();
      }
    },
  };
}

/** Draws now, and whenever the same points look otherwise. */
export function keepDrawn(draw) {
  addEventListener('resize', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  draw();
}
