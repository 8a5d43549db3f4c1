/** The report of a version, to be looked at and shown: one HTML file that needs nothing else. */
export type { ReportData } from './data.ts';
export { picturesOf } from './data-check-section.ts';
export { chooseExamples } from './examples.ts';
export type { Examples } from './examples.ts';
export { reportPage } from './page.ts';
export { smallCopies } from './images.ts';
export type { PictureName } from './images.ts';
