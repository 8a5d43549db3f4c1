/** Findings of the data check. */
import { count, counted } from '../../format.ts';
import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';
import type { CheckResult, DataCheck, Finding } from '../data-check/index.ts';
import { plainName, section } from './layout.ts';
import { image } from './images.ts';
import type { PictureName, Pictures } from './images.ts';

const MOST_FINDINGS = 6;
const MOST_PICTURES = 4;

export function dataCheckSection({ results, pictures: total, classes }: DataCheck, pictures: Pictures): Html {
  const found = results.filter((result) => result.count > 0);
  const skipped = results.filter((result) => result.skipped !== null);
  const checked = `${counted(total, 'image')} in ${counted(classes, 'class', 'classes')} were checked before training`;
  return section(
    'data',
    'Data check',
    html`<p>${checked}${found.length === 0 ? ': no problems found.' : '.'}</p>`,
    found.map((result) => findings(result, pictures)),
    skipped.map(({ title, skipped: reason }) => html`<p class="note">Skipped: ${title} (${reason}).</p>`),
  );
}

/** The images that the section shows. */
export function picturesOf({ results }: DataCheck): PictureName[] {
  return results.flatMap((result) => result.findings.slice(0, MOST_FINDINGS).flatMap(picturesOfFinding));
}

function picturesOfFinding({ pictures, evidence }: Finding): Finding['pictures'] {
  return [...pictures.slice(0, MOST_PICTURES), ...evidence.slice(0, MOST_PICTURES - 1)];
}

function findings(
  { title, severity, suggestion, count: all, findings: some }: CheckResult,
  pictures: Pictures,
): Html {
  const rest = all - Math.min(some.length, MOST_FINDINGS);
  const sentence = `${suggestion.charAt(0).toUpperCase()}${suggestion.slice(1)}${suggestion.endsWith('.') ? '' : '.'}`;
  const items = some.slice(0, MOST_FINDINGS).map((finding) => {
    const shown = picturesOfFinding(finding).map(({ part, key }) =>
      image(pictures({ part, key }), `${part === 'test' ? 'Test' : 'Training'} image ${plainName(key)}`),
    );
    return html`<li>
      ${shown.length > 0 && html`<span class="row">${shown}</span>`}<span dir="auto">${finding.message}</span>
    </li>`;
  });
  return html`<h3>
      ${title} <span class="tag ${severity}">${count(all)}${severity === 'repair' && ', to repair'}</span>
    </h3>
    <p>${sentence}</p>
    <ul class="findings">
      ${items}
    </ul>
    ${rest > 0 && html`<p class="note">and ${count(rest)} more; see data-check.json of the version.</p>`}`;
}
