/** Changes of a gallery as an Arrow IPC file: one that was just made, or many that were compacted. */
import { CorruptDataError, InvalidInputError } from '../errors.ts';
import { asCorrupt, encode, text } from './arrow-binding.ts';
import { decodeTable } from './arrow-read.ts';
import type { EmbeddingTable } from './arrow-write.ts';
import { createChange } from './facts.ts';
import type { Change, Fact } from './facts.ts';

const COLUMNS = [
  'change',
  'after',
  'at',
  'by',
  'op',
  'class',
  'to',
  'sha256',
  'was',
  'path',
  'source',
] as const;
/** In the column `to` of what was seen: the folder has lost `was`. */
const LOST = 'lost';

type Row = Record<(typeof COLUMNS)[number], string>;

/** A row for each fact, all columns utf8 and "" where a fact has no such part; rows of one change stand together, in its order. */
export async function writeChanges(changes: readonly Change[]): Promise<Uint8Array> {
  const rows = changes.flatMap((change) => change.facts.map((fact) => rowOf(change, fact)));
  return encode({
    dimensions: 0,
    texts: new Map(COLUMNS.map((name) => [name, rows.map((row) => row[name])])),
    embeddings: new Float32Array(0),
    present: null,
    metadata: new Map(),
  });
}

/**
 * Reads what {@link writeChanges} wrote, in its order.
 * @param what the file's name, for messages
 * @throws CorruptDataError when the bytes are not whole and valid changes, or there is none
 */
export function readChanges(bytes: Uint8Array, what: string): Change[] {
  const table = decodeTable(bytes, COLUMNS, 'no-embeddings', what);
  return asCorrupt(what, () => {
    const changes = new Map<string, Omit<Change, 'facts'> & { readonly facts: Fact[] }>();
    for (const [row, id] of text(table, 'change').entries()) {
      const of = (name: (typeof COLUMNS)[number]): string => cell(table, name, row);
      const change = changes.get(id) ?? {
        id,
        after: of('after') || null,
        at: of('at'),
        by: of('by'),
        facts: [],
      };
      change.facts.push(factOf(of));
      changes.set(id, change);
    }
    if (changes.size === 0) throw new CorruptDataError(`${what} is damaged: it holds no change.`);
    return [...changes.values()].map(createChange);
  });
}

const cell = (table: EmbeddingTable, name: string, row: number): string => text(table, name)[row] ?? '';

function rowOf({ id, after, at, by }: Change, fact: Fact): Row {
  const row: Row = {
    change: id,
    after: after ?? '',
    at,
    by,
    op: fact.op,
    class: '',
    to: '',
    sha256: fact.sha256 ?? '',
    was: '',
    path: '',
    source: '',
  };
  switch (fact.op) {
    case 'seen':
    case 'unreadable':
      return { ...row, path: fact.path, was: fact.was ?? '', to: fact.lost ? LOST : '' };
    case 'remove':
      return { ...row, class: fact.class };
    case 'rename':
      return { ...row, class: fact.class, to: fact.to };
    case 'reject':
      return { ...row, path: fact.file, source: fact.source ?? '' };
    case 'add':
    case 'label':
      break;
  }
  return { ...row, class: fact.class, path: fact.file, source: fact.source ?? '' };
}

function factOf(of: (name: (typeof COLUMNS)[number]) => string): Fact {
  const [op, className, sha256, path] = [of('op'), of('class'), of('sha256'), of('path')];
  const source = of('source') || null;
  switch (op) {
    case 'seen':
    case 'unreadable':
      return { op, path, sha256: sha256 || null, was: of('was') || null, lost: of('to') === LOST };
    case 'remove':
      return { op, class: className, sha256 };
    case 'rename':
      return { op, class: className, to: of('to'), sha256 };
    case 'reject':
      return { op, sha256, file: path, source };
    case 'add':
    case 'label':
      return { op, class: className, sha256, file: path, source };
    default:
      throw new InvalidInputError(
        `The fact ${JSON.stringify(op)} is not known; allowed are add, label, reject, remove, rename, seen and unreadable.`,
      );
  }
}
