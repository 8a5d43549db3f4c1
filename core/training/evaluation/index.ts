export { confusionSvg } from './confusion-svg.ts';
export { confusionTable } from './confusion-table.ts';
export { type Evaluation, evaluate, evaluateWithAnswers, evaluateWithin } from './evaluate.ts';
export { comparePaired, type PairedComparison } from './paired.ts';
export { evaluateUnknown, type UnknownEvaluation } from './unknown.ts';
