import { counted, decimal, duration, percent } from '../../format.ts';
import { learningCurves } from './curve.ts';
import { deciding } from './deciding.ts';
import type { ReportData } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { table } from './table.ts';

/** Epochs that are listed one by one; more are in training.json. */
const MOST_EPOCHS = 50;

/** How the training went. */
export function learning({ curve, epoch, collapse, tried, calibration }: ReportData): Html {
  const seconds = curve.reduce((sum, one) => sum + one.seconds, 0);
  const taken =
    curve.length === 0
      ? 'No epoch of training was run: the network is the pretrained one, adapted to these pictures in closed form.'
      : epoch === 0
        ? `${counted(curve.length, 'epoch')} of training took ${duration(seconds)}; none was clearly better than the network before it, which was taken.`
        : `${counted(curve.length, 'epoch')} of training took ${duration(seconds)}; the weights are those after epoch ${epoch} (the dashed line).`;
  return html`<section aria-labelledby="learning">
    <h2 id="learning">How it learnt</h2>
    <p>${taken}</p>
    ${collapse !== null && html`<p>A first attempt was given up: ${collapse}. What is shown here is the second one.</p>`}
    ${learningCurves(curve, epoch)} ${curve.length > 0 && epochs(curve)}
    ${tried.length > 0 && deciding(tried, calibration?.rule ?? null)}
  </section>`;
}

function epochs(curve: ReportData['curve']): Html {
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const rows = curve.slice(-MOST_EPOCHS).map(
    (one) =>
      html`<tr>
        <th scope="row">${one.epoch}</th>
        <td>${decimal(one.loss)}</td>
        <td>${percent(one.active)}</td>
        <td>${one.validationLoss === null ? '–' : decimal(one.validationLoss)}</td>
        <td>${share(one.validationAccuracy)}</td>
        <td>${duration(one.seconds)}</td>
      </tr>`,
  );
  return html`<details>
    <summary>Epoch by epoch</summary>
    ${table('Epochs', ['epoch', 'loss', 'still active', 'validation loss', 'validation accuracy', 'time'], rows)}
  </details>`;
}
