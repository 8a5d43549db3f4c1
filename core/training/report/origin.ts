/** How the version was made: enough to make it again, and to know what it was made with. */
import { count, counted, duration, moment } from '../../format.ts';
import type { ReportData, ReportedDataSet } from './data.ts';
import { html, name } from './html.ts';
import type { Content, Html } from './html.ts';
import { table } from './table.ts';

export function origin(data: ReportData): Html {
  const { recipe, seed, parameters, train, test, gallery, madeAt, madeBy, job, seconds } = data;
  const facts: readonly (readonly [string, Content])[] = [
    ['recipe', recipe.name],
    ['seed', String(seed)],
    ['learnt from', described(train)],
    ['judged on', test && described(test)],
    ['gallery', `${counted(gallery.pictures, 'picture')} of ${counted(gallery.classes, 'class', 'classes')}`],
    ['weights', `${count(parameters.trainable)} trainable, ${count(parameters.other)} others`],
    ['time', `${duration(seconds)} from the start to this report`],
    ['made', html`${moment(madeAt)} UTC by ${name(madeBy)}`],
    ['job', job],
    ['engine', pairs(data.engine)],
    ['libraries', pairs(data.libraries)],
  ];
  const options = Object.entries(recipe.options).map(
    ([key, value]) =>
      html`<tr>
        <th scope="row">${key}</th>
        <td>${JSON.stringify(value)}</td>
      </tr>`,
  );
  return html`<section aria-labelledby="origin">
    <h2 id="origin">How it was made</h2>
    <dl>
      ${facts.map(
        ([term, content]) =>
          content !== null &&
          html`<dt>${term}</dt>
            <dd>${content}</dd>`,
      )}
    </dl>
    <details>
      <summary>${counted(options.length, 'option')} of the recipe</summary>
      ${table('Options', ['option', 'value'], options)}
    </details>
  </section>`;
}

function described({ name: dataSet, pictures, classes, digest }: ReportedDataSet): Html {
  return html`${name(dataSet)}: ${counted(pictures, 'picture')} of ${counted(classes, 'class', 'classes')}<br /><small
      >snapshot <code>${digest}</code></small
    >`;
}

const pairs = (record: Readonly<Record<string, string>>): string =>
  Object.entries(record)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
