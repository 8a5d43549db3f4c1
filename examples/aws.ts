/**
 * The whole way through the cloud on this machine: deploys the stacks onto an emulated AWS with the CDK's own command, puts pictures into the
 * bucket, has a model trained as a job of AWS Batch, has pictures classified through the HTTP API's address, has a class recognised that comes
 * later, and rolls back. Nothing leaves the machine but what is fetched once: the emulators, from Python's package index, into Kindred's cache.
 *
 *   npm run example:aws                            trainings are processes of this checkout
 *   npm run example:aws -- --image NAME            trainings run in that image, in containers of podman: see docs/aws.md
 *   npm run example:aws -- --data FOLDER --later CLASS      with your own pictures: FOLDER/train/<class>/<file>, FOLDER/test/<class>/<file>
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Deployment } from '../test/support/deployment.ts';
import { startPodman } from '../test/support/podman.ts';
import { missingPackages } from '../test/support/python.ts';
import { CloudUser, until } from './cloud-user.ts';
import type { Training } from './cloud-user.ts';
import { picturesOf, some } from './pictures.ts';
import type { Picture } from './pictures.ts';

const { values: flags } = parseArgs({
  options: {
    image: { type: 'string' },
    data: { type: 'string', default: fileURLToPath(new URL('../samples/clothing10', import.meta.url)) },
    later: { type: 'string', default: 'shoes' },
    recipe: { type: 'string', default: 'fast' },
    options: { type: 'string', default: '{}' },
    ask: { type: 'string', default: '50' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** Nothing is held out to judge the versions on: other pictures are asked here. */
const wanted = { recipe: flags.recipe, options: JSON.parse(flags.options) as object, holdOut: 0 };

/** Does something, and says what, or what came of it, and how long it took. */
async function step<T>(what: string | ((result: T) => string), work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`${seconds.padStart(8)} s  ${typeof what === 'string' ? what : what(result)}`);
  return result;
}

/** Says how a training goes on, when that is something new. */
function teller(): (training: Training) => void {
  let last = '';
  return ({ id, state, waiting, progress }) => {
    const { phase = '' } = (progress?.progress ?? {}) as { phase?: string };
    const why = waiting.map(({ code }) => code).join(', ');
    if (phase === 'note' || phase === 'epoch') return;
    const now = [state, phase === '' ? why : phase].filter((part) => part !== '').join(': ');
    if (now !== last) say(`            training ${id}: ${now}`);
    last = now;
  };
}

/** Has a model trained, and says what came of it. */
async function train(user: CloudUser, how: object): Promise<void> {
  await step(
    ({ version, node }) => `trained as a job of Batch, with Node ${node}: version ${version} answers`,
    async () => {
      const { result } = await user.train(how, teller());
      const version = result?.version ?? 0;
      return { version, node: (await user.librariesOf(version))['node'] };
    },
  );
}

/** @returns how many are right */
async function ask(user: CloudUser, what: string, pictures: readonly Picture[]): Promise<number> {
  return step(
    (right) => `${right} of ${pictures.length} ${what} right`,
    async () => {
      let right = 0;
      for (const picture of pictures) if ((await user.classify(picture)).class === picture.class) right++;
      return right;
    },
  );
}

async function whoMayAsk(deployment: Deployment): Promise<void> {
  say('\nWho may ask:');
  await step('without a token 401, with a wrong one 401, with one that was made for it 200', async () => {
    for (const [as, expected] of [
      ['', 401],
      ['kindred_wrong', 401],
      [deployment.token, 200],
    ] as const) {
      const { status } = await deployment.ask('GET', '/v1/models', { as });
      if (status !== expected) throw new Error(`GET /v1/models: ${status} in place of ${expected}`);
    }
  });
}

async function takenUp(user: CloudUser, pictures: readonly Picture[]): Promise<void> {
  await step('until they are known: S3 -> EventBridge -> SQS -> Lambda', async () => {
    for (const picture of pictures)
      await until(`${picture.file} is in the gallery`, async () => {
        const { neighbours } = await user.classify(picture);
        return neighbours.some(({ key }) => key === `${picture.class}/${picture.file}`);
      });
  });
}

async function backAgain(user: CloudUser, picture: Picture): Promise<void> {
  const answersNow = (version: number): Promise<void> =>
    until(`version ${version} answers`, async () => (await user.classify(picture)).version === version);
  await answersNow(2);
  await step('rolled back: version 1 answers', async () => {
    await user.rollBack();
    await answersNow(1);
  });
}

const isLater = (picture: Picture): boolean => picture.class === flags.later;

/** What is learnt from now, what comes later, and what is asked. */
async function chosenPictures() {
  const known = await picturesOf(path.join(flags.data, 'train'));
  const asked = some(await picturesOf(path.join(flags.data, 'test')), Number(flags.ask));
  const [now, later] = [known.filter((one) => !isLater(one)), known.filter(isLater)];
  if (later.length > 0) return { now, later, asked };
  const classes = [...new Set(known.map((one) => one.class))].join(', ');
  throw new Error(
    `There is no class ${flags.later} in ${flags.data}/train: name one with --later (${classes}).`,
  );
}

async function useIt(
  deployment: Deployment,
  { now, later, asked }: Awaited<ReturnType<typeof chosenPictures>>,
): Promise<void> {
  const user = new CloudUser(deployment, 'clothes');

  await whoMayAsk(deployment);
  say(`\nA model of all classes but ${flags.later}:`);
  await step(`${now.length} pictures put into the bucket`, () => user.upload(now));
  await train(user, wanted);
  const others = asked.filter((one) => !isLater(one));
  await ask(user, 'other pictures', others);

  say(`\n${flags.later}, which come later:`);
  const unseen = asked.filter(isLater);
  await ask(user, 'other pictures of them', unseen);
  await step(`${later.length} pictures put into the bucket`, () => user.upload(later));
  await takenUp(user, later);
  await ask(user, 'other pictures of them', unseen);

  say('\nAnother version, on all classes and without tuning the network, and back:');
  await train(user, { ...wanted, options: { ...wanted.options, epochs: 0 }, force: true });
  await backAgain(user, asked[0] as Picture);
  const right = await ask(user, 'test pictures of all classes', asked);
  const share = ((100 * right) / asked.length).toFixed(1);
  say(`\nAccuracy ${share} %: ${right} of ${asked.length} test pictures right.`);
}

let stop = async (): Promise<void> => undefined;
// What was started ends with this process, and is cleared away when there is something to clear.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stop().finally(() => process.exit(130)));

const pictures = await chosenPictures();
say('Python packages of the emulators: fetched once, 400 MB in the cache, which takes a minute or more.');
const missing = await step('they are there', () => missingPackages('aws'));
if (missing !== null) throw new Error(missing);
say('Deploying:');
const engine = flags.image === undefined ? undefined : await startPodman(flags.image);
const deployment = await Deployment.start({ step, ...(engine && { engine }) });
stop = () => deployment.stop();
try {
  const [address, bucket] = [deployment.output('api', 'Url'), deployment.output('stateful', 'Registry')];
  say(`  The HTTP API is at ${address}, the bucket ${bucket}.`);
  await useIt(deployment, pictures);
} finally {
  await stop();
  say('Everything is stopped.');
}
