/** The OpenAPI document as a page to read. It asks nothing of anybody: no script, no picture, no font. */
import { createHash } from 'node:crypto';
import type { OpenApiDocument } from './openapi.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
}

interface Content {
  readonly [type: string]: { readonly schema?: Schema };
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}
h2{margin-top:3rem}h3{margin:2rem 0 .25rem}.method{display:inline-block;min-width:4.5rem;color:#0b5394}
details{margin:.5rem 0}a{color:#0b5394}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}th,td{border-color:#444}.method,a{color:#8ab8e8}}`;

/** What the page's header has to say: nothing is loaded, and only this style counts. */
export const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page, as HTML. */
export function docsPage(document: OpenApiDocument): string {
  const { info, tags = [], paths = {}, components = {} } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method,
      operation: operation as Operation,
    })),
  );
  const sections = tags.map(({ name, description = '' }) => {
    const own = operations.filter(({ operation }) => operation.tags?.includes(name));
    return `<h2>${text(name)}</h2><p>${text(description)}</p>${own.map(operationHtml).join('')}`;
  });
  const schemas = Object.entries((components.schemas ?? {}) as Record<string, Schema>).map(
    ([name, schema]) => `<h3 id="${text(name)}">${text(name)}</h3>${schemaTable(schema)}`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(info.title)}: HTTP</title><style>${STYLE}</style></head><body><main><h1>${text(info.title)}</h1>${paragraphs(info.description ?? '')}<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p>${sections.join('')}<h2>What is sent and answered</h2>${schemas.join('')}</main></body></html>`;
}

function operationHtml({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: Operation;
}): string {
  const { summary = '', description = '', parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(({ name, in: where, required, description: said = '', schema = {} }) =>
    row([
      `<code>${text(name)}</code>`,
      text(where),
      typeOf(schema),
      required ? 'needed' : defaultOf(schema),
      text(said),
    ]),
  );
  const answers = Object.entries(responses).map(([status, { description: said, content = {} }]) =>
    row([text(status), contentOf(content), text(said)]),
  );
  return `<h3><span class="method">${text(method.toUpperCase())}</span> <code>${text(path)}</code></h3><p>${text(summary)}.</p>${description === '' ? '' : paragraphs(description)}${rows.length === 0 ? '' : table(['name', 'in', 'type', 'default', ''], rows)}${requestBody === undefined ? '' : `<p>Body: ${contentOf(requestBody.content)}</p>`}<details><summary>Answers</summary>${table(['status', 'body', ''], answers)}</details>`;
}

function contentOf(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema = {} }]) => `<code>${text(type)}</code> ${typeOf(schema)}`)
    .join('; ');
}

function schemaTable(schema: Schema): string {
  if (schema.properties === undefined) return `<p>${typeOf(schema)}</p>`;
  const rows = Object.entries(schema.properties).map(([name, property]) =>
    row([
      `<code>${text(name)}</code>`,
      typeOf(property),
      schema.required?.includes(name) ? '' : `optional ${defaultOf(property)}`,
      text(property.description ?? ''),
    ]),
  );
  return table(['name', 'type', '', ''], rows);
}

/** A type in a few words, with links to those that have a name. */
function typeOf(schema: Schema): string {
  const { $ref, anyOf, items, properties, type } = schema;
  if ($ref !== undefined) {
    const name = text($ref.split('/').at(-1) ?? '');
    return `<a href="#${name}">${name}</a>`;
  }
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return `<code>${text(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `<code>${text(JSON.stringify(value))}</code>`).join(' or ');
  }
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (properties !== undefined) {
    const inside = Object.entries(properties).map(
      ([name, each]) => `<code>${text(name)}</code>: ${typeOf(each)}`,
    );
    return `{${inside.join(', ')}}`;
  }
  return text([type ?? 'anything'].flat().join(' or '));
}

function defaultOf({ default: value }: Schema): string {
  return value === undefined ? '' : `<code>${text(JSON.stringify(value))}</code>`;
}

function table(titles: readonly string[], rows: readonly string[]): string {
  const head = titles.map((title) => `<th>${text(title)}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function paragraphs(words: string): string {
  return words
    .split('\n\n')
    .map((each) => `<p>${text(each)}</p>`)
    .join('');
}

function text(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
