/**
 * The default: what measures best from a handful of pictures a class.
 *
 * The embedding is two maps of the backbone, pooled by their maxima and by cells of a grid, whitened within classes in closed form.
 * The last blocks are tuned first (of ResNet50 conv5_block2 and conv5_block3), with batch-hard triplets (Hermans et al. 2017) over cached maps, batch normalisation
 * frozen, no head. A share of each class is kept out of the tuning to choose the epoch on, and the untuned network
 * wins unless an epoch is clearly better, so that tuning does not make it worse. The whitening uses every picture. By
 * which rule to decide, and how much to shrink, is told by cross-fitting.
 */
import { z } from 'zod';
import { RULES } from '../../gallery/rules.ts';
import { MAP_NAMES } from '../../network/backbones/index.ts';
import { distances } from '../distances/index.ts';
import { losses } from '../losses/index.ts';
import { miners } from '../miners/index.ts';
import { margin, nameIn, withComponents } from '../options.ts';
import { POOLING_NAMES } from '../pooled-maps.ts';
import { defineRecipe } from '../recipe.ts';

const share = z.number().min(0).max(1);
const optionsAt = (usualSize: number) =>
  withComponents(
    {
      size: z.int().min(32).max(1024).default(usualSize).describe('side of the input in pixels'),
      scales: z
        .array(z.number().min(0.1).max(1))
        .min(1)
        .max(4)
        .refine((scales) => scales.includes(1), 'one of them has to be 1, the whole size')
        .default([1])
        .describe('shares of that size to look at'),
      maps: z
        .array(z.enum(MAP_NAMES))
        .max(2)
        .default([])
        .describe('of the backbone, to take features from; empty: all of them'),
      poolings: z
        .array(z.enum(POOLING_NAMES))
        .min(1)
        .max(POOLING_NAMES.length)
        .default(['max', 'cells'])
        .describe('what is taken from each map'),
      dimensions: z.int().min(2).max(4096).default(512).describe('numbers in an embedding'),
      shrinkages: z
        .array(z.number().positive().max(1))
        .min(1)
        .max(8)
        .default([0.2, 0.05, 0.6])
        .describe('of the within-class covariance; the first, unless another is clearly better'),
      rules: z
        .array(z.enum(RULES))
        .min(1)
        .max(RULES.length)
        .default(['class-mean', 'nearest', 'k-nearest'])
        .describe('to decide by; the best of them, the first of equals'),
      epochs: z.int().min(0).default(8).describe('0: no tuning'),
      stepsPerEpoch: z.int().min(1).default(25),
      classes: z.int().min(2).default(8).describe('classes a batch'),
      pictures: z.int().min(2).default(4).describe('pictures of each class in a batch'),
      miner: nameIn(miners).default('batch-hard').describe('how triplets are chosen'),
      loss: nameIn(losses).default('triplet'),
      distance: nameIn(distances).default('squared-euclidean').describe('between embeddings while tuning'),
      margin: margin.default(0.3),
      learningRate: z.number().positive().default(1e-5),
      select: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.25)
        .describe('share of each class kept from tuning to choose the epoch on; 0: no tuning'),
      caution: z
        .number()
        .nonnegative()
        .default(0.6)
        .describe('tuning, or another shrinkage, must gain this / sqrt(pictures asked) in accuracy'),
      patience: z.int().min(1).default(2).describe('stop after so many epochs without a better one'),
      enough: share.default(0.02).describe('stop when a smaller share of triplets is still active'),
    },
    { loss: losses, miner: miners },
  );
export type MetricOptions = z.output<ReturnType<typeof optionsAt>>;

/** The recipe at an input size; what a picture costs grows with its square. */
export const metricRecipe = (name: string, summary: string, usualSize: number) =>
  defineRecipe({
    name,
    summary,
    options: optionsAt(usualSize),
    load: async () => (await import('./train-metric.ts')).metricTraining,
  });

export const metric = metricRecipe(
  'metric',
  'the default: pooled maps at 288 pixels whitened within classes, the last blocks tuned where that helps',
  288,
);
