/** Wrong predictions, and the least certain right ones, each beside its nearest neighbours. */
import { count, counted, decimal, percent } from '../../format.ts';
import type { Rule } from '../../gallery/rules.ts';
import { html } from '../../markup.ts';
import type { Content, Html } from '../../markup.ts';
import type { Example, Examples, Relative } from './examples.ts';
import { name, plainName, section } from './layout.ts';
import { image } from './images.ts';
import type { Pictures } from './images.ts';

/** How a prediction follows from the images beside it. */
const REASONS: Record<Rule, string> = {
  nearest: 'the class of the nearest one is predicted',
  'k-nearest': 'the class whose three nearest images are nearest on average is predicted',
  'class-mean': 'the class whose mean is nearest is predicted, which may be that of none of them',
};

export function examplesSections({ rule, wrong, wrongCount, close }: Examples, pictures: Pictures): Html {
  const some =
    wrong.length < wrongCount
      ? `The ${wrong.length} most confident of ${count(wrongCount)} mistakes.`
      : `All ${counted(wrongCount, 'mistake')}, the most confident first.`;
  const intro =
    wrongCount === 0
      ? 'None: every test image was predicted correctly.'
      : `${some} Beside each image are its nearest neighbours in the gallery, with their distances: ${REASONS[rule]}.`;
  const list = (examples: readonly Example[]): Html =>
    html`<ol class="examples">
      ${examples.map((one) => item(one, pictures))}
    </ol>`;
  return html`${section('mistakes', 'Mistakes', html`<p>${intro}</p>`, list(wrong))}
  ${close.length > 0 && section('close', 'Close calls', html`<p>The least confident correct predictions.</p>`, list(close))}`;
}

function item(example: Example, pictures: Pictures): Html {
  const { key, class: own, predicted, nearest, ofPredicted, ofActual, confidence, known } = example;
  const facts: Content = [
    confidence !== null && `confidence ${percent(confidence)}`,
    known === false && `${confidence === null ? '' : '; '}unknown at the balanced point`,
    html`<span class="file">${name(key, 48)}</span>`,
  ];
  const neighbour = (one: Relative, note: string | null): Html =>
    html`<li class="${one.class === own ? 'own' : 'other'}${note !== null && ' apart'}">
      <figure>
        ${image(pictures({ part: 'training', key: one.key }), `Gallery image ${plainName(one.key)}`)}
        <figcaption>
          ${name(one.class)}<small>${decimal(one.distance)}${note && html`<br />${note}`}</small>
        </figcaption>
      </figure>
    </li>`;
  return html`<li class="example">
    <figure class="query">
      ${image(pictures({ part: 'test', key }), `Test image ${plainName(key)}`)}
      <figcaption>
        ${own === predicted ? html`<strong class="right">${name(own)}</strong>, correct` : html`<strong class="wrong">${name(predicted)}</strong>, actually <strong>${name(own)}</strong>`}<small
          >${facts}</small
        >
      </figcaption>
    </figure>
    <ul class="relatives">
      ${nearest.map((one) => neighbour(one, null))}
      ${ofPredicted && neighbour(ofPredicted, 'nearest of the predicted class')}
      ${ofActual && neighbour(ofActual, 'nearest of its class')}
    </ul>
  </li>`;
}
