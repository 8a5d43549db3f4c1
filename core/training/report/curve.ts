import { counted, decimal, percent } from '../../format.ts';
import type { EpochRecord } from '../checkpoint.ts';
import { at, chart, plane } from './axes.ts';
import type { Axis, Scale } from './axes.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

const SIZE = [440, 240] as const;

interface Line {
  readonly name: string;
  readonly className: string;
  readonly points: readonly (readonly [epoch: number, value: number])[];
}

/** How loss and accuracy went over the epochs; nothing where there was none. */
export function learningCurves(curve: readonly EpochRecord[], taken: number): Html | null {
  if (curve.length === 0) return null;
  const line = (name: string, className: string, value: (epoch: EpochRecord) => number | null): Line => ({
    name,
    className,
    points: curve.flatMap((epoch) => {
      const found = value(epoch);
      return found === null || !Number.isFinite(found) ? [] : [[epoch.epoch, found] as const];
    }),
  });
  const losses = [
    line('loss', 'first', ({ loss }) => loss),
    line('validation loss', 'second', ({ validationLoss }) => validationLoss),
  ];
  const shares = [
    line('triplets that still teach something', 'first', ({ active }) => active),
    line('validation accuracy', 'second', ({ validationAccuracy }) => validationAccuracy),
  ];
  const highest = Math.max(...losses.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9);
  const epochs: Axis = {
    from: Math.min(1, ...curve.map(({ epoch }) => epoch)),
    to: Math.max(2, ...curve.map(({ epoch }) => epoch)),
    title: 'epoch',
    label: (epoch) => (Number.isInteger(epoch) ? String(epoch) : ''),
  };
  return html`<div class="charts">
    ${curveChart('loss-curve', 'Loss', losses, epochs, { from: 0, to: highest * 1.05, title: 'loss', label: String }, taken)}
    ${curveChart('share-curve', 'Shares', shares, epochs, { from: 0, to: 1, title: 'share', label: (share) => `${Math.round(share * 100)} %` }, taken)}
  </div>`;
}

function curveChart(
  id: string,
  title: string,
  all: readonly Line[],
  across: Axis,
  up: Axis,
  taken: number,
): Html {
  const lines = all.filter(({ points }) => points.length > 0);
  const area = plane(...SIZE, across, up);
  const marks = [
    taken > 0 &&
      html`<path class="mark" d="M${at(area.x(taken))} ${at(area.y(up.to))}V${at(area.y(up.from))}" />`,
    lines.map((line) => drawn(line, area.x, area.y)),
  ];
  const description = lines.map(({ name, points }) => `${name}: ${summary(points, up)}`).join('; ');
  const names = lines.map(({ name, className }) => html`<li class="${className}">${name}</li>`);
  return html`<figure>
    ${chart(id, area, { title: `${title} over ${counted(across.to, 'epoch')}`, description }, marks)}
    <figcaption>
      <ul class="key">
        ${names}
      </ul>
    </figcaption>
  </figure>`;
}

function drawn({ className, points }: Line, x: Scale, y: Scale): Html {
  const path = points.map(([epoch, value], i) => `${i === 0 ? 'M' : 'L'}${at(x(epoch))} ${at(y(value))}`);
  const dots = points.map(
    ([epoch, value]) => html`<circle cx="${at(x(epoch))}" cy="${at(y(value))}" r="3" />`,
  );
  return html`<g class="${className}"
    ><path class="curve" d="${path.join('')}" />${points.length <= 40 && dots}</g
  >`;
}

function summary(points: Line['points'], { title }: Axis): string {
  const text = title === 'share' ? percent : decimal;
  const [first, last] = [points[0]?.[1] ?? 0, points.at(-1)?.[1] ?? 0];
  return points.length === 1 ? text(first) : `from ${text(first)} to ${text(last)}`;
}
