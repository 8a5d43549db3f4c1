/** What the functions may do in the bucket; docs/architecture.md says what is under which key. */
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Permission } from './permissions.ts';

export function servingPermissions(bucket: Bucket): Permission[] {
  return [
    // With a condition on prefixes S3 would answer that access is denied where something does not exist.
    { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
    {
      actions: ['s3:GetObject'],
      resources: under(bucket, 'datasets/*', 'models/*', 'jobs/*'),
      why: 'Data sets, models and trainings are named by requests and do not exist yet; not tokens of a registry.',
    },
    {
      actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
      resources: under(bucket, ...CHANGED, 'models/*/aliases/*', 'jobs/*'),
      why: 'Pictures, changes of galleries, aliases and jobs are named by requests; the files of a version cannot be overwritten.',
    },
    {
      actions: ['s3:DeleteObject'],
      resources: under(bucket, ...CHANGED),
      why: 'Pictures are deleted by name, and what a change of a gallery leaves is cleared away; no version can be deleted.',
    },
  ];
}

export function ingestPermissions(bucket: Bucket): Permission[] {
  return [
    { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
    {
      actions: ['s3:GetObject'],
      resources: under(bucket, 'datasets/*', 'models/*', 'jobs/*'),
      why: 'Which picture was put, and into which models it goes, is told by each event; not tokens.',
    },
    {
      actions: ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      resources: under(bucket, ...CHANGED.filter((keys) => keys !== 'datasets/*')),
      why: 'Changes of galleries get their names when they are made; pictures of data sets and versions stay as they are.',
    },
  ];
}

/** Of the containers that embed large data sets into galleries. */
export function importPermissions(bucket: Bucket): Permission[] {
  return [
    { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
    {
      actions: ['s3:GetObject'],
      resources: under(bucket, 'datasets/*', 'models/*', 'jobs/*'),
      why: 'An import reads the pictures, versions and jobs that it is asked for by name; not tokens.',
    },
    {
      actions: ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      resources: under(bucket, ...GALLERIES, 'jobs/*'),
      why: 'An import writes changes of galleries and its own job, whose names do not exist yet; not pictures, and no version.',
    },
  ];
}

/** What galleries consist of, besides the version that a training made, and the pictures themselves. */
const GALLERIES = [
  'models/*/pictures/*',
  'models/*/versions/*/gallery/*',
  'models/*/versions/*/carry-over/*',
];
const CHANGED = ['datasets/*', 'models/*/unknown/*', ...GALLERIES];

const under = (bucket: Bucket, ...keys: readonly string[]): string[] =>
  keys.map((each) => bucket.arnForObjects(each));
