/**
 * One attempt at a job. Arguments: folder of the place, id of the job, and, to stop for good just before some operation
 * on the store: which, as a regular expression on "operation key", and at which time it is met.
 */
import { KindredError } from '../../../../core/errors.ts';
import { readTraining } from '../../../../core/jobs/job.ts';
import { stoppingAt } from '../../registry/support.ts';
import { ready } from '../../storage/programs.ts';
import { Place } from '../../jobs/support.ts';

const [folder = '', id = '', where = '', times = '1'] = process.argv.slice(2);
const place = new Place(folder);
const store = where === '' ? place.store : stoppingAt(place.store, new RegExp(where), Number(times));

const job = await readTraining(place.store, id);
await ready();
try {
  const { version } = await place.train(job, { store, checkpointSeconds: 0 });
  console.log(`made ${version}`);
} catch (error) {
  if (!(error instanceof KindredError)) throw error;
  console.log(error.code);
}
