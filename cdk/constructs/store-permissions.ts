/** What the functions may do in the bucket; docs/architecture.md says what is under which key. */
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Permission } from './permissions.ts';

export function servingPermissions(bucket: Bucket): Permission[] {
  return [
    // With a condition on prefixes S3 would answer that access is denied where something does not exist.
    { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
    {
      actions: ['s3:GetObject'],
      resources: under(bucket, ...READ),
      why: 'Data sets, models and trainings are named by requests and do not exist yet; not tokens of a registry.',
    },
    {
      actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
      resources: under(bucket, ...CHANGED, KEPT, 'models/*/aliases/*', 'jobs/*'),
      why: 'Pictures, changes of galleries, aliases and jobs are named by requests; the files of a version cannot be overwritten.',
    },
    {
      actions: ['s3:DeleteObject'],
      resources: under(bucket, ...CHANGED),
      why: 'Images are deleted by name, and compaction removes what it has replaced; no version can be deleted.',
    },
  ];
}

export function ingestPermissions(bucket: Bucket): Permission[] {
  return [
    { actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
    {
      actions: ['s3:GetObject'],
      resources: under(bucket, ...READ),
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
      resources: under(bucket, ...READ),
      why: 'An import reads the pictures, versions and jobs that it is asked for by name; not tokens.',
    },
    {
      actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
      resources: under(bucket, ...GALLERIES, KEPT, 'jobs/*'),
      why: 'An import writes changes of galleries, images that no dataset has and its own job, whose names do not exist yet; no version.',
    },
    {
      actions: ['s3:DeleteObject'],
      resources: under(bucket, ...GALLERIES, 'jobs/*'),
      why: 'An import removes its intermediate files and what compaction has replaced.',
    },
  ];
}

/** Everything but tokens. */
export const READ = ['datasets/*', 'models/*', 'blobs/*', 'jobs/*'];
/** The logs of galleries, and the embeddings of the images in them. */
const GALLERIES = ['models/*/gallery/*', 'models/*/embeddings/*'];
/** Images that users add are kept there; nothing is deleted. */
const KEPT = 'blobs/*';
const CHANGED = ['datasets/*', 'models/*/unknown/*', ...GALLERIES];

const under = (bucket: Bucket, ...keys: readonly string[]): string[] =>
  keys.map((each) => bucket.arnForObjects(each));
