/**
 * Usage: carry FOLDER FROM TO [WHERE TIMES]: carries changes of "colours" over, and says how many changes and pictures; stops for good before
 * an operation on the store whose "operation key" fits WHERE, at the TIMES-th such one.
 */
import { carryOver } from '../../../../core/registry/carry-over.ts';
import { openRegistry } from '../../../../core/registry/registry.ts';
import { fsStore } from '../../../../core/storage/fs.ts';
import { ready } from '../../storage/programs.ts';
import { embedWith } from '../colours.ts';
import { stoppingAt } from '../support.ts';

const [folder = '', from = '', to = '', where = '', times = '1'] = process.argv.slice(2);
const store = fsStore(folder);
const registry = openRegistry(where === '' ? store : stoppingAt(store, new RegExp(where), Number(times)));
await ready();
const { changes, embedded } = await carryOver(
  registry,
  'colours',
  { from: Number(from), to: Number(to) },
  { missing: 'refuse', embed: async (pictures) => embedWith(openRegistry(store), Number(to), pictures) },
);
console.log(`${changes} ${embedded}`);
