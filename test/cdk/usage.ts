/** What the scenarios of docs/scale.md use: its rates and assumptions, put to what is deployed. */
import { page, tableUnder } from '../docs/support.ts';
import type { Deployed } from './deployed.ts';
import type { Quantities } from './prices.ts';

const MILLION = 1_000_000;
const HOURS = 730;
const SECONDS = HOURS * 3600;
/** How often a training writes its progress. */
const PROGRESS_SECONDS = 2;

/** The numbers of a row of the page's own tables, found by how the row begins. */
function numbersUnder(heading: string): (row: string) => [number, ...number[]] {
  const table = tableUnder(page('docs/scale.md'), heading);
  return (row) => {
    const value = table.find(([name = '']) => name.startsWith(row))?.[1] ?? '';
    const together = value.replaceAll(/(\d) (?=\d{3}\b)/g, '$1');
    const [first, ...others] = (together.match(/\d+(?:\.\d+)?/g) ?? []).map(Number);
    if (first === undefined)
      throw new Error(`docs/scale.md has no number in a row "${row}" under "${heading}".`);
    return [first, ...others];
  };
}

const rate = numbersUnder('## Rates');
const taken = numbersUnder('### What is counted');

/** Nobody asks anything for a month. */
export function idleMonth(there: Deployed): Quantities {
  const [pictureGb] = taken('pictures kept');
  const [versionMb] = rate('a version');
  const [polls, pollSeconds = Number.NaN] = taken('long polls of the queue');
  return {
    s3Storage: pictureGb + versionMb / 1000,
    alarm: there.alarmMetrics,
    dashboard: there.dashboards,
    sqs: (there.polledQueues * polls * SECONDS) / pollSeconds / MILLION,
    ecr: taken('images of trainings').reduce((sum, gb) => sum + gb, 0),
  };
}

/** So many classifications, evenly over the month, of which so many meet a function that has to start. */
function classifying(there: Deployed, many: number, starts: number): Quantities {
  const [slower] = taken('Lambda takes');
  const [warmSeconds] = rate('a warm classification');
  const startSeconds = Math.max(...rate('start of the function'));
  const seconds = slower * (many * warmSeconds + starts * startSeconds);
  const [reads, listings = Number.NaN] = taken('a start asks S3');
  // Whoever comes first after so long looks.
  const looks = (many - starts) / Math.max(1, Math.ceil((there.lookSeconds * many) / SECONDS));
  const [tokens] = taken('a start asks KMS');
  const [answerKb] = taken('an answer');
  const [logKb] = taken('the log of a request');
  return {
    ...idleMonth(there),
    lambdaRequest: many / MILLION,
    lambdaTime: (seconds * there.lambdaGb) / MILLION,
    lambdaDisk: (seconds * there.lambdaDiskGb) / MILLION,
    httpApi: many / MILLION,
    dataOut: (many * answerKb) / MILLION,
    s3Read: (starts * reads + looks) / MILLION,
    s3Write: (starts * listings + looks) / MILLION,
    kms: there.hasTokens ? (tokens * starts) / MILLION : 0,
    logs: (many * logKb) / MILLION,
    logsKept: (there.logMonths * many * logKb) / MILLION,
    metric: there.metrics,
    trace: there.traced ? many / MILLION : 0,
  };
}

/** How often it looks by default, as the page says. */
export function lookSecondsOfPage(): number {
  return taken('a busy function looks at S3')[0];
}

/** Each meets a function that has gone. */
export const tenThousand = (there: Deployed): Quantities => classifying(there, 10_000, 10_000);
/** With a start each hour. */
export const aMillion = (there: Deployed): Quantities => classifying(there, MILLION, HOURS);

function onFargate({ fargate: { vcpus, gb, diskGb } }: Deployed, hours: number): Quantities {
  return {
    fargateSpotCpu: hours * vcpus,
    fargateSpotMemory: hours * gb,
    fargateDisk: hours * diskGb,
    ipv4: hours,
  };
}

function trainingRequests(pictures: number, seconds: number): Quantities {
  const [requests] = taken('a training asks S3');
  return {
    s3Read: (pictures + requests) / MILLION,
    s3Write: (seconds / PROGRESS_SECONDS + requests) / MILLION,
  };
}

export function smallTraining(there: Deployed): Quantities {
  const [seconds, pictures = Number.NaN] = rate('a whole training');
  const [startMinutes] = taken('a start on Fargate');
  const hours = seconds / 3600 + startMinutes / 60;
  return { ...onFargate(there, hours), ...trainingRequests(pictures, seconds) };
}

export function gpuHour({ gpuDiskGb }: Deployed): Quantities {
  const [startMinutes] = taken('a start on EC2');
  const [pictures] = taken('pictures of the hour');
  const hours = 1 + startMinutes / 60;
  return {
    gpuSpot: hours,
    gp3: (gpuDiskGb * hours) / HOURS,
    ipv4: hours,
    ...trainingRequests(pictures, 3600),
  };
}

/** Put into the bucket, embedded once, and kept for a month. */
export function millionPictures(there: Deployed): Quantities {
  const [perSecond] = rate('pictures embedded');
  const [jobs] = taken('jobs for the million');
  const [startMinutes] = taken('a start on Fargate');
  // A million kilobytes are a gigabyte.
  const [pictureGb] = taken('a picture of the million');
  const [embeddingGb] = rate('an embedding in a gallery');
  const [messages] = taken('what ingest asks of SQS');
  return {
    ...onFargate(there, MILLION / perSecond / 3600 + (jobs * startMinutes) / 60),
    s3Read: 1,
    s3Write: 1,
    s3Storage: pictureGb + embeddingGb,
    event: 1,
    sqs: messages,
  };
}
