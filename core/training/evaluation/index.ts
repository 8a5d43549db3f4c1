export { type Answer } from './answers.ts';
export { type BackboneFeatures, type Baseline, evaluateBaseline } from './baseline.ts';
export { confusionSvg } from './confusion-svg.ts';
export { confusionTable } from './confusion-table.ts';
export { type Evaluation, evaluate, evaluateWithAnswers, evaluateWithin } from './evaluate.ts';
export { evaluateUnknown, type UnknownEvaluation } from './unknown.ts';
