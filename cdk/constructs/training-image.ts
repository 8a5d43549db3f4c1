import { fileURLToPath } from 'node:url';
import { IgnoreMode } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { Config } from '../config.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What the image is made of; as in cdk/training/Dockerfile.dockerignore. */
const PARTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.npmrc',
  'bin',
  'cli',
  'core',
  'functions',
  'scripts',
  'cdk/training',
];

/** The container that trains: named in the configuration, or built from the Dockerfile when it is deployed. */
export function trainingImage({ training }: Config, kind: 'gpu' | 'cpu'): ContainerImage {
  if (training.image !== null) return ContainerImage.fromRegistry(training.image[kind]);
  return ContainerImage.fromAsset(ROOT, {
    file: 'cdk/training/Dockerfile',
    assetName: `training-${kind}`,
    buildArgs: { TENSORFLOW: kind },
    platform: Platform.LINUX_AMD64,
    ignoreMode: IgnoreMode.DOCKER,
    exclude: ['*', ...PARTS.map((part) => `!${part}`)],
  });
}
