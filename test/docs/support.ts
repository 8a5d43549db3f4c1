/** What the tests of the guides read out of Markdown. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Page {
  /** From the root, with "/". */
  readonly file: string;
  readonly text: string;
}

/** README.md and every page of docs/. */
export function pages(): Page[] {
  const docs = readdirSync(path.join(ROOT, 'docs'), { recursive: true })
    .map((name) => `docs/${String(name).replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.toSorted()].map(page);
}

/** One page. */
export function page(file: string): Page {
  return { file, text: readFileSync(path.join(ROOT, file), 'utf8') };
}

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The comment right before it, `<!-- ... -->`, without its marks. */
  readonly note: string;
}

/** Fenced code. */
export function codeBlocks({ text }: Page): CodeBlock[] {
  const found = text.matchAll(/(?:<!-- (?<note>.*?) -->\s*)?^```(?<language>\w*)\n(?<code>.*?)^```$/gms);
  return [...found].map(({ groups = {} }) => ({
    language: groups['language'] ?? '',
    code: groups['code'] ?? '',
    note: groups['note'] ?? '',
  }));
}

/** The page without its fenced code. */
export function prose({ text }: Page): string {
  return text.replace(/^```.*?^```$/gms, '');
}

/** `...` in running text. */
export function inlineCode(from: Page): string[] {
  return [...prose(from).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The cells of the first table after a heading, without its head. */
export function tableUnder({ file, text }: Page, heading: string): string[][] {
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${file} has no heading "${heading}"`);
  const rows = /\n\|.*\n\|[-:| ]+\n((?:\|.*\n)+)/.exec(text.slice(start))?.[1] ?? '';
  return rows
    .trimEnd()
    .split('\n')
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
