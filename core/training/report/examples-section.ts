/** The pictures that were named wrong, or right by a hair, each beside its nearest relatives. */
import { count, counted, decimal, percent } from '../../format.ts';
import type { Rule } from '../../gallery/rules.ts';
import type { Example, Examples, Relative } from './examples.ts';
import { html, name, plainName } from './html.ts';
import type { Content, Html } from './html.ts';
import { picture } from './picture.ts';
import type { Pictures } from './pictures.ts';

/** How an answer follows from the pictures beside it. */
const REASONS: Record<Rule, string> = {
  nearest: 'the class of the nearest one is what it was named',
  'k-nearest': 'it was named by the class whose three nearest pictures are nearest on average',
  'class-mean':
    'they are what it resembles, but it was named by the class whose mean is nearest, which none of them need be of',
};

export function mistakes({ rule, wrong, wrongCount, close }: Examples, pictures: Pictures): Html {
  const some =
    wrong.length < wrongCount
      ? `The ${wrong.length} of ${count(wrongCount)} mistakes that the model was surest of, the surest first.`
      : `All ${counted(wrongCount, 'mistake')}, the surest first.`;
  return html`<section aria-labelledby="mistakes">
      <h2 id="mistakes">Where it is wrong</h2>
      ${wrongCount === 0 ? html`<p>Nowhere: every test picture was named right.</p>` : html`<p>${some} Beside each picture are those of the gallery that lie nearest, with their distances: ${REASONS[rule]}.</p>`}
      <ol class="examples">
        ${wrong.map((one) => item(one, pictures))}
      </ol>
    </section>
    ${
      close.length > 0 &&
      html`<section aria-labelledby="close">
        <h2 id="close">Right by a hair</h2>
        <p>The right answers that the model was least sure of.</p>
        <ol class="examples">
          ${close.map((one) => item(one, pictures))}
        </ol>
      </section>`
    }`;
}

function item(example: Example, pictures: Pictures): Html {
  const { key, class: own, predicted, nearest, told, own: ownNearest } = example;
  const isRight = own === predicted;
  return html`<li class="example">
    <figure class="query">
      ${picture(pictures({ part: 'test', key }), `Test picture ${plainName(key)}`)}
      <figcaption>
        ${isRight ? html`<strong class="right">${name(own)}</strong>, rightly` : html`<strong class="wrong">${name(predicted)}</strong>, but it is <strong>${name(own)}</strong>`}<small
          >${facts(example)}</small
        >
      </figcaption>
    </figure>
    <ul class="relatives">
      ${nearest.map((one) => relative(one, one.class === own, pictures, null))}
      ${told && relative(told, false, pictures, 'nearest of the class told')}
      ${ownNearest && relative(ownNearest, true, pictures, 'nearest of its class')}
    </ul>
  </li>`;
}

function facts({ key, confidence, known }: Example): Content {
  return [
    confidence !== null && `confidence ${percent(confidence)}`,
    known === false && `${confidence === null ? '' : '; '}called unknown at the balanced point`,
    html`<span class="file">${name(key, 48)}</span>`,
  ];
}

function relative(one: Relative, isOwn: boolean, pictures: Pictures, note: string | null): Html {
  return html`<li class="${isOwn ? 'own' : 'other'}${note !== null && ' apart'}">
    <figure>
      ${picture(pictures({ part: 'training', key: one.key }), `Gallery picture ${plainName(one.key)}`)}
      <figcaption>
        ${name(one.class)}<small>${decimal(one.distance)}${note && html`<br />${note}`}</small>
      </figcaption>
    </figure>
  </li>`;
}
