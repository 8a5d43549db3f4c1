import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { buildProgram } from '../../cli/program.ts';
import { parseOptions } from '../../scripts/setup/options.mjs';
import { ROOT, codeBlocks, inlineCode, pages, prose } from './support.ts';
import type { Page } from './support.ts';

/** Files and folders of the repository are named from its root. */
const NAMED = /^(?:(?:bench|bin|cli|core|docs|samples|scripts|test)\/[\w./-]*|[A-Z]+(?:\.md)?|\.ci\/run)$/;

/** As GitHub makes them. */
function anchors({ text }: Pick<Page, 'text'>): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Whether a link leads to something. */
function leads(from: Page, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const whole = path.join(ROOT, path.dirname(from.file), file);
  const there = file === '' ? path.join(ROOT, from.file) : whole;
  if (!existsSync(there)) return false;
  return anchor === undefined || anchors({ text: readFileSync(there, 'utf8') }).has(anchor);
}

/** Commands shown: lines after "$ " in console blocks, and inline code that starts with one. */
function commands(of: Page): string[] {
  const shown = codeBlocks(of)
    .filter(({ language }) => language === 'console')
    .flatMap(({ code }) => code.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => (line.startsWith('$ ') ? line.slice(2).split(/ (?:\||&&|>) /) : []));
  return [...shown, ...inlineCode(of)].map((line) => line.replace(/^npx (?=kindred)/, '').trim());
}

/** Words as a shell makes them, as far as the guides need it. */
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );

/** The whole program, of which nothing is carried out. */
function idle(): Command {
  const program = buildProgram();
  const still = (command: Command): void => {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(still);
  };
  still(program);
  return program;
}

/** Throws what commander says about a wrong call. */
function parse(line: string): void {
  try {
    idle().parse(words(line).slice(1), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  }
}

/** Whether text is only the name of a command, such as `kindred train` without its arguments. */
function names(line: string): boolean {
  let command: Command | undefined = idle();
  for (const word of words(line).slice(1)) command = command?.commands.find((each) => each.name() === word);
  return command !== undefined;
}

for (const page of pages()) {
  describe(page.file, () => {
    it('links to what is there', () => {
      const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
      const broken = targets.filter((target) => !/^https?:/.test(target) && !leads(page, target));
      assert.deepEqual(broken, []);
    });

    it('names files that are there', () => {
      const made = new Set(codeBlocks(page).map(({ note }) => note.split(' ')[0]));
      const named = inlineCode(page).filter((code) => NAMED.test(code) && !made.has(code));
      assert.deepEqual(
        named.filter((file) => /[./]/.test(file) && !existsSync(path.join(ROOT, file))),
        [],
      );
    });

    it('shows commands and flags that the program has', () => {
      for (const line of commands(page).filter((each) => /^kindred\b/.test(each))) {
        if (!names(line)) assert.doesNotThrow(() => parse(line), `${page.file}: ${line}`);
      }
    });

    it('shows scripts and flags of the set-up that npm finds', () => {
      const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
        scripts: Record<string, string>;
      };
      for (const line of commands(page)) {
        const { script, rest = '' } =
          /^npm (?:run )?(?<script>\S+)(?: -- (?<rest>.*))?$/.exec(line)?.groups ?? {};
        if (script === undefined || ['config', 'ci'].includes(script)) continue;
        assert.ok(script in scripts, `${page.file}: ${line}`);
        if (script === 'setup') parseOptions(words(rest), {});
      }
    });
  });
}
