import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { classifyCommand } from './commands/classify.ts';
import { dataSetsCommand } from './commands/datasets.ts';
import { doctorCommand } from './commands/doctor.ts';
import { embedCommand } from './commands/embed.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { galleryCommand } from './commands/gallery.ts';
import { jobsCommand } from './commands/jobs.ts';
import { modelsCommand } from './commands/models.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { serveCommand } from './commands/serve.ts';
import { tokensCommand } from './commands/tokens.ts';
import { trainCommand } from './commands/train.ts';
import { command } from './flags.ts';
import { escapeText } from './output/escape.ts';

/** All commands. Each file declares its flags, and loads what it works with only when it runs. */
export function buildProgram(): Command {
  const program = command('kindred', 'Recognise pictures from a handful of examples.', {
    model: 'which model the command is about',
    seed: true,
  })
    .version(version(), '--version')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nStart with "kindred quickstart": it trains on the pictures that come with Kindred.',
    );
  for (const make of COMMANDS) program.addCommand(make());
  program.hook('preAction', (_, acting) => handDown(acting));
  prepare(program);
  return program;
}

const COMMANDS = [
  trainCommand,
  classifyCommand,
  embedCommand,
  evaluateCommand,
  modelsCommand,
  galleryCommand,
  dataSetsCommand,
  jobsCommand,
  serveCommand,
  tokensCommand,
  doctorCommand,
  quickstartCommand,
];

/** What follows the message about a wrong call. */
export function usageLines(of: Command): string {
  const usage = of.createHelp().commandUsage(of);
  return `\nUsage: ${usage}\nSee "${usage.replace(/ [[<].*$/, '')} --help".`;
}

/** Errors are thrown to `run`, escaped on the terminal, and followed by the usage. */
function prepare(of: Command): void {
  of.exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(escapeText(text)) })
    .showHelpAfterError(usageLines(of))
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false);
  for (const each of of.commands) prepare(each);
}

/** Common flags may stand before the command too; the nearest ones win. */
function handDown(acting: Command): void {
  for (let above = acting.parent; above !== null; above = above.parent) {
    for (const [name, value] of Object.entries(above.opts())) {
      if (acting.getOptionValueSource(name) !== 'cli') acting.setOptionValueWithSource(name, value, 'cli');
    }
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
