import type { Calibration, OperatingPoint } from '../../core/gallery/calibration.ts';
import { leastRate } from '../../core/gallery/operating-points.ts';
import type { Interval } from '../../core/interval.ts';
import { counted, decimal, percent } from './format.ts';
import { table } from './table.ts';

/** An operating point, with rates measured on whatever pictures. */
interface Point extends Pick<
  Calibration['points'][OperatingPoint],
  | 'threshold'
  | 'binds'
  | 'targetFalseRejection'
  | 'targetFalseAcceptance'
  | 'falseRejection'
  | 'falseAcceptance'
> {
  readonly falseRejectionInterval: Interval | null;
  readonly falseAcceptanceInterval: Interval | null;
  readonly wrongRejected?: number | null;
}

/** A row a point: its threshold, both rates with their intervals, and what it aims at. Ends in a line break. */
export function pointsTable(
  points: Readonly<Record<OperatingPoint, Point>>,
  strangers = 'STRANGERS',
): string {
  const all = Object.entries(points);
  const hasWrong = all.some(([, { wrongRejected }]) => wrongRejected !== undefined);
  const right = { align: 'right' as const };
  const columns = [
    { title: 'POINT' },
    { title: 'THRESHOLD', ...right },
    { title: 'KNOWN CALLED UNKNOWN' },
    { title: `${strangers} CALLED KNOWN` },
    ...(hasWrong ? [{ title: 'WRONG ANSWERS CALLED UNKNOWN', ...right }] : []),
  ];
  const rows = all.map(([name, point]) => [
    name,
    decimal(point.threshold),
    rate(
      point.falseRejection,
      point.falseRejectionInterval,
      point.binds === 'falseRejection' ? point.targetFalseRejection : null,
    ),
    rate(
      point.falseAcceptance,
      point.falseAcceptanceInterval,
      point.binds === 'falseAcceptance' ? point.targetFalseAcceptance : null,
    ),
    ...(hasWrong ? [point.wrongRejected === null ? '-' : percent(point.wrongRejected ?? 0)] : []),
  ]);
  return table(columns, rows);
}

function rate(measured: number | null, interval: Interval | null, aim: number | null): string {
  if (measured === null) return 'not known';
  const range = interval === null ? '' : ` (${(interval.low * 100).toFixed(1)} to ${percent(interval.high)})`;
  return `${percent(measured)}${range}${aim === null ? '' : `, aim ${percent(aim)}`}`;
}

/** What the thresholds of a version rest on, and what they cannot promise. */
export function pointsText(calibration: Calibration | null): string {
  if (calibration === null) {
    return 'No thresholds: no class has two different pictures to take them from, so nothing is called unknown.';
  }
  const { points, pictures, distances } = calibration;
  const strangers = distances?.strangers.length ?? null;
  const measured =
    `Measured on ${counted(pictures, 'picture')} as if ${pictures === 1 ? 'it were' : 'they were'} new` +
    (strangers === null || strangers === 0
      ? '.'
      : `, and ${counted(strangers, 'time')} as if the whole class were.`);
  return [`${pointsTable(points)}${measured}`, ...doubts(calibration)].join('\n');
}

function doubts({ points, pictures, distances }: Calibration): string[] {
  const strangers = distances?.strangers.length;
  const { strict, lenient, balanced } = points;
  const tooFew = Object.entries({ balanced, lenient }).filter(
    ([, { targetFalseRejection }]) => targetFalseRejection < leastRate(pictures),
  );
  const names = tooFew.map(([name]) => name).join(' and ');
  const acceptance = strict.targetFalseAcceptance;
  return [
    tooFew.length === 0
      ? ''
      : `So few pictures cannot vouch for what ${names} ${tooFew.length === 1 ? 'aims' : 'aim'} at: of new ones up to ${percent(leastRate(pictures))} may be called unknown.`,
    strangers === 0
      ? 'With a single class nothing is known of what strangers look like: strict is no stricter.'
      : '',
    strangers !== undefined && strangers > 0 && acceptance !== null && acceptance < leastRate(strangers)
      ? `So few pictures cannot vouch for what strict aims at: of strangers up to ${percent(leastRate(strangers))} may be called known.`
      : '',
  ].filter((text) => text !== '');
}
