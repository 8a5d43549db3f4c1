import { Html, html } from '../../markup.ts';
import { accuracySection, header } from './accuracy-section.ts';
import { classesSections } from './classes-section.ts';
import { dataCheckSection } from './data-check-section.ts';
import type { ReportData } from './data.ts';
import { examplesSections } from './examples-section.ts';
import { plainName } from './layout.ts';
import { provenanceSection } from './provenance-section.ts';
import { STYLE } from './style.ts';
import { thresholdsSection } from './thresholds-section.ts';
import { trainingSection } from './training-section.ts';

/** Nothing is fetched and nothing runs, whatever finds its way into the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** The report of a version as one self-contained HTML document. */
export function reportPage(data: ReportData, version: number): string {
  const { model, evaluation, baseline, examples, dataCheck, pictures, calibration, libraries } = data;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${plainName(model)}, version ${version}: Kindred report</title>
        <link rel="icon" href="data:," />
        <style>
          ${Html.trusted(STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${header(data, version)} ${accuracySection(data)}
          ${examples && examplesSections(examples, pictures)}
          ${evaluation && classesSections(evaluation, baseline)} ${thresholdsSection(calibration)}
          ${trainingSection(data)} ${dataCheck && dataCheckSection(dataCheck, pictures)}
          ${provenanceSection(data)}
        </main>
        <footer><p>Made by Kindred ${libraries['kindred'] ?? null}.</p></footer>
      </body>
    </html> `;
  return page.toString();
}
