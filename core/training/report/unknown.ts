/** From which distance on a picture is called unknown, and what that costs. */
import { counted, decimal, percent } from '../../format.ts';
import { OPERATING_POINTS } from '../../gallery/calibration.ts';
import type { ReportData } from './data.ts';
import { distanceHistogram } from './histogram.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

export function unknownSection({ calibration, distances }: ReportData): Html {
  if (calibration === null) {
    return html`<section aria-labelledby="unknown">
      <h2 id="unknown">Known or unknown</h2>
      <p>There are no thresholds: no class has two different pictures to take them from.</p>
    </section>`;
  }
  const rows = OPERATING_POINTS.map((point) => {
    const { threshold, targetFalseRejection, falseRejection, falseAcceptance } = calibration.points[point];
    return html`<tr>
      <th scope="row">${point}</th>
      <td>${decimal(threshold)}</td>
      <td>${percent(falseRejection)} <small>aim ${percent(targetFalseRejection)}</small></td>
      <td>${falseAcceptance === null ? '–' : percent(falseAcceptance)}</td>
    </tr>`;
  });
  return html`<section aria-labelledby="unknown">
    <h2 id="unknown">Known or unknown</h2>
    <p>
      A picture that is farther from its nearest class than a threshold is called unknown. Three are offered,
      from cautious to generous; they rest on ${counted(calibration.pictures, 'training picture')}, each asked
      for as if it were not there.
    </p>
    <div class="scroll" role="region" tabindex="0" aria-label="Operating points">
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">point</th>
            <th scope="col">threshold</th>
            <th scope="col">known pictures called unknown</th>
            <th scope="col">strangers called known</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${distanceHistogram(distances, calibration.points)}
    <p class="note">
      A stranger here is a training picture asked for as if its whole class were missing: the hardest kind,
      for it resembles the other classes as these resemble each other.
    </p>
  </section>`;
}
