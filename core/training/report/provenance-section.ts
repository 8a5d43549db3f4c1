/** How the version was made: enough to make it again. */
import { count, counted, duration, moment } from '../../format.ts';
import { html } from '../../markup.ts';
import type { Content, Html } from '../../markup.ts';
import type { ReportData, ReportedDataSet } from './data.ts';
import { details, name, section, table } from './layout.ts';

export function provenanceSection(data: ReportData): Html {
  const { recipe, seed, parameters, train, test, gallery, madeAt, madeBy, job, seconds } = data;
  const facts: readonly (readonly [string, Content])[] = [
    ['recipe', recipe.name],
    ['seed', seed],
    ['training set', described(train)],
    ['test set', test && described(test)],
    ['gallery', images(gallery)],
    ['parameters', `${count(parameters.trainable)} trainable, ${count(parameters.other)} frozen`],
    ['time', duration(seconds)],
    ['published', html`${moment(madeAt)} UTC by ${name(madeBy)}`],
    ['job', job],
    ['engine', pairs(data.engine)],
    ['libraries', pairs(data.libraries)],
  ];
  const options = Object.entries(recipe.options).map(([key, value]) => [key, JSON.stringify(value)]);
  return section(
    'provenance',
    'Provenance',
    html`<dl>
      ${facts.map(
        ([term, content]) =>
          content !== null &&
          html`<dt>${term}</dt>
            <dd>${content}</dd>`,
      )}
    </dl>`,
    details('Recipe options', table('Recipe options', ['option', 'value'], options)),
  );
}

const images = ({ pictures, classes }: { readonly pictures: number; readonly classes: number }): string =>
  `${counted(pictures, 'image')} in ${counted(classes, 'class', 'classes')}`;

function described(dataSet: ReportedDataSet): Html {
  return html`${name(dataSet.name)}: ${images(dataSet)}<br /><small
      >snapshot <code>${dataSet.digest}</code></small
    >`;
}

const pairs = (record: Readonly<Record<string, string>>): string =>
  Object.entries(record)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
