export type { ClassAccuracy, Interval } from './accuracy.ts';
export type { Answer } from './answers.ts';
export { type ConfusedPair, confusedPairs, type Confusion } from './confusion.ts';
export { confusionSvg } from './confusion-svg.ts';
export { confusionTable } from './confusion-table.ts';
export { type Evaluation, evaluate, evaluateWithAnswers, evaluateWithin } from './evaluate.ts';
export { evaluateUnknown, type UnknownEvaluation } from './unknown.ts';
