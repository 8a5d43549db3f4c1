/** What the check of the data found before anything was learnt. */
import { count, counted } from '../../format.ts';
import type { CheckResult, DataCheck, Finding } from '../data-check/index.ts';
import { html, plainName } from './html.ts';
import type { Html } from './html.ts';
import { picture } from './picture.ts';
import type { PictureName, Pictures } from './pictures.ts';

const MOST_FINDINGS = 6;
const MOST_PICTURES = 4;

export function dataCheckSection({ results, pictures: total, classes }: DataCheck, pictures: Pictures): Html {
  const found = results.filter((result) => result.count > 0);
  const skipped = results.filter((result) => result.skipped !== null);
  return html`<section aria-labelledby="data">
    <h2 id="data">What was found in the data</h2>
    <p>
      ${found.length === 0 ? `Nothing to object to in ${counted(total, 'picture')} of ${counted(classes, 'class', 'classes')}.` : `${counted(total, 'picture')} of ${counted(classes, 'class', 'classes')} were looked through before training.`}
    </p>
    ${found.map((result) => section(result, pictures))}
    ${skipped.map(({ title, skipped: reason }) => html`<p class="note">Not looked for: ${title} (${reason}).</p>`)}
  </section>`;
}

/** The pictures that the section shows. */
export function picturesOf({ results }: DataCheck): PictureName[] {
  return results.flatMap(({ findings }) => findings.slice(0, MOST_FINDINGS).flatMap(picturesOfFinding));
}

function picturesOfFinding({ pictures, evidence }: Finding): Finding['pictures'] {
  return [...pictures.slice(0, MOST_PICTURES), ...evidence.slice(0, MOST_PICTURES - 1)];
}

function section(
  { title, severity, suggestion, count: all, findings }: CheckResult,
  pictures: Pictures,
): Html {
  const shown = findings.slice(0, MOST_FINDINGS);
  const rest = all - shown.length;
  return html`<h3>
      ${title} <span class="tag ${severity}">${count(all)}${severity === 'repair' && ', to repair'}</span>
    </h3>
    <p>${sentence(suggestion)}</p>
    <ul class="findings">
      ${shown.map((one) => item(one, pictures))}
    </ul>
    ${rest > 0 && html`<p class="note">and ${count(rest)} more; data-check.json of the version has them.</p>`}`;
}

function item(finding: Finding, pictures: Pictures): Html {
  const shown = picturesOfFinding(finding).map(({ part, key }) =>
    picture(pictures({ part, key }), `${part === 'test' ? 'Test' : 'Training'} picture ${plainName(key)}`),
  );
  return html`<li>
    ${shown.length > 0 && html`<span class="row">${shown}</span>`}<span dir="auto">${finding.message}</span>
  </li>`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
