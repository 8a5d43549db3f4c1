/** Where things are in a registry; see docs for the whole picture. Names are checked before they come here. */
export const DATA_SETS = 'datasets/';
export const MODELS = 'models/';
export const JOBS = 'jobs/';
export const BLOBS = 'blobs/';

/** Immutable bytes by their SHA-256: what versions share, and images that users added. */
export const blobKey = (sha256: string): string => `${BLOBS}${sha256}`;
export const dataSetPrefix = (dataSet: string): string => `${DATA_SETS}${dataSet}/`;
/** What is noted of a dataset's deletion; no dataset's name begins with a dot. */
export const DATASET_TOMBSTONES = `${DATA_SETS}.deleted/`;
export const datasetTombstoneKey = (dataset: string): string => `${DATASET_TOMBSTONES}${dataset}.json`;
export const modelPrefix = (model: string): string => `${MODELS}${model}/`;
/** There once the whole model was deleted; stays for good. */
export const modelTombstoneKey = (model: string): string => `${modelPrefix(model)}deleted.json`;
export const versionsPrefix = (model: string): string => `${MODELS}${model}/versions/`;
export const versionPrefix = (model: string, version: number): string =>
  `${versionsPrefix(model)}${version}/`;
/** The log of the model's gallery; see gallery-log.ts. */
export const galleryLogPrefix = (model: string): string => `${MODELS}${model}/gallery/`;
export const compactedPrefix = (model: string): string => `${galleryLogPrefix(model)}compacted/`;
/** Embeddings that a network made of images in the log: a cache, made anew where it is missing. */
export const embeddingsPrefix = (model: string, network: string): string =>
  `${MODELS}${model}/embeddings/${network}/`;
/** What a server has seen of the dataset that the version in production follows; see functions/ingestion/states.ts. */
export const followedKey = (model: string): string => `${MODELS}${model}/followed.json`;
/** Pictures that the model did not know, to be labelled. */
export const unknownPrefix = (model: string): string => `${MODELS}${model}/unknown/`;
export const aliasesPrefix = (model: string): string => `${MODELS}${model}/aliases/`;

export const jobPrefix = (job: string): string => `${JOBS}${job}/`;

/** The version exists when this does. */
export const manifestKey = (model: string, version: number): string =>
  `${versionPrefix(model, version)}manifest.json`;
/** The number is taken when this exists, and stays taken; it also says which publisher may write the version. */
export const claimKey = (model: string, version: number): string =>
  `${versionPrefix(model, version)}claim.json`;
/** There once somebody set about removing the version. */
export const tombstoneKey = (model: string, version: number): string =>
  `${versionPrefix(model, version)}deleted.json`;
export const aliasKey = (model: string, alias: string): string => `${aliasesPrefix(model)}${alias}.json`;
/** Which number a job publishes under, so that a job that is resumed publishes once. */
export const publicationKey = (model: string, job: string): string =>
  `${MODELS}${model}/publications/${job}.json`;

/** What stays of a number for good; no file of a version may have these names. */
export const LASTING = new Set(['claim.json', 'deleted.json']);
