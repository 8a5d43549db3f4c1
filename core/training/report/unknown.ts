/** From which distance on a picture is called unknown, and what that costs. */
import { counted, decimal, percent } from '../../format.ts';
import { OPERATING_POINTS } from '../../gallery/calibration.ts';
import type { Calibration, OperatingPoint } from '../../gallery/calibration.ts';
import type { Interval } from '../../interval.ts';
import type { ReportData } from './data.ts';
import { distanceHistogram } from './histogram.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { table } from './table.ts';

export function unknownSection({ calibration }: Pick<ReportData, 'calibration'>): Html {
  if (calibration === null) {
    return html`<section aria-labelledby="unknown">
      <h2 id="unknown">Known or unknown</h2>
      <p>There are no thresholds: no class has two different pictures to take them from.</p>
    </section>`;
  }
  const { pictures, points, distances } = calibration;
  return html`<section aria-labelledby="unknown">
    <h2 id="unknown">Known or unknown</h2>
    <p>
      A picture that is farther from its nearest class than a threshold is called unknown. Three points are
      offered, from cautious to generous; they rest on ${counted(pictures, 'training picture')}, each asked
      for as if it were not there.
    </p>
    ${table(
      'Operating points',
      ['point', 'threshold', 'known pictures called unknown', 'strangers called known', 'aims at'],
      OPERATING_POINTS.map((point) => row(point, points[point])),
    )}
    ${distances && distanceHistogram(distances, points)}
    <p class="note">
      A stranger here is a training picture asked for as if its whole class were missing: a hard kind, for it
      resembles the other classes as these resemble each other. What resembles them more is called known more
      often.
    </p>
  </section>`;
}

function row(name: OperatingPoint, point: Calibration['points'][OperatingPoint]): Html {
  const { threshold, falseRejection, falseAcceptance, binds } = point;
  const aim =
    binds === 'falseAcceptance' && point.targetFalseAcceptance !== null
      ? `at most ${percent(point.targetFalseAcceptance)} of strangers known`
      : `at most ${percent(point.targetFalseRejection)} of known pictures unknown`;
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${decimal(threshold)}</td>
    <td>${rate(falseRejection, point.falseRejectionInterval)}</td>
    <td>${falseAcceptance === null ? '–' : rate(falseAcceptance, point.falseAcceptanceInterval)}</td>
    <td class="text">${aim}</td>
  </tr>`;
}

function rate(share: number, interval: Interval | null): Content {
  return [
    percent(share),
    interval && html` <small>${percent(interval.low)} to ${percent(interval.high)}</small>`,
  ];
}
