import { classes } from './classes.ts';
import { dataCheckSection } from './data-check-section.ts';
import type { ReportData } from './data.ts';
import { mistakes } from './examples-section.ts';
import { headline } from './headline.ts';
import { Html, html, plainName } from './html.ts';
import { learning } from './learning.ts';
import { origin } from './origin.ts';
import { STYLE } from './style.ts';
import { unknownSection } from './unknown.ts';

/** Nothing is fetched and nothing runs, whatever should ever find its way into the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** The report of a version as one HTML document that needs nothing but itself. */
export function reportPage(data: ReportData, version: number): string {
  const { model, evaluation, baseline, examples, dataCheck, pictures, libraries } = data;
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
          ${headline(data, version)} ${examples && mistakes(examples, pictures)}
          ${evaluation && classes(evaluation, baseline)} ${unknownSection(data)} ${learning(data)}
          ${dataCheck && dataCheckSection(dataCheck, pictures)} ${origin(data)}
        </main>
        <footer>
          <p>
            Made by Kindred ${libraries['kindred'] ?? null}. This page is whole in itself: it loads nothing
            and runs nothing.
          </p>
        </footer>
      </body>
    </html> `;
  return page.toString();
}
