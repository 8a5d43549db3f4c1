import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CorruptDataError } from '../../../core/errors.ts';
import { readGallery, writeEmbeddings, writeGallery } from '../../../core/gallery/arrow.ts';
import { readChanges, writeChanges } from '../../../core/gallery/arrow-changes.ts';
import { readEmbeddingsBySum, writeEmbeddingsBySum } from '../../../core/gallery/arrow-embeddings.ts';
import { writeGolden } from '../../../core/gallery/arrow-golden.ts';
import { createChange } from '../../../core/gallery/facts.ts';
import type { Fact } from '../../../core/gallery/facts.ts';
import { Random } from '../../../core/random.ts';
import { runPython } from '../../support/python.ts';
import { galleryOfRows, rowsOf, sha256Of } from './support.ts';

const embedder = { model: 'haine', version: '3' };
const gallery = galleryOfRows(
  [
    ['Operă/1.jpg', [0.5, -1.25, 3]],
    ['Operă/đ 例 🎭.png', [1e-30, 0, -0]],
    ['cămașă, "albă"/x.jpg', [1, 2, 3e10]],
  ],
  { embedder, distance: 'cosine' },
);
const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const FACTS: readonly Fact[] = [
  { op: 'add', class: 'a', sha256: sha256Of('b'), file: 'b', source: null },
  { op: 'label', class: 'č', sha256: sha256Of('d'), file: 'd', source: 'datasets/s/x/d' },
  { op: 'reject', sha256: sha256Of('e'), file: 'e', source: null },
  { op: 'remove', class: 'a', sha256: sha256Of('f') },
  { op: 'rename', class: 'a', to: 'b', sha256: sha256Of('g') },
  { op: 'seen', path: 'datasets/s/a/1', sha256: sha256Of('h'), was: null, lost: false },
  { op: 'seen', path: 'datasets/s/a/1', sha256: null, was: sha256Of('h'), lost: true },
  { op: 'unreadable', path: 'datasets/s/a/2', sha256: sha256Of('i'), was: null, lost: false },
];
const change = createChange({ id: ID, after: null, by: 'ana', facts: FACTS });

describe('gallery and log files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-arrow-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Has pyarrow write a gallery file and gives its bytes; `batches` is a Python expression. */
  async function writtenByPyarrow(schema: string, batches: string, options = ''): Promise<Uint8Array> {
    const file = path.join(folder, 'from-python.arrow');
    await runPython(
      `import sys, pyarrow as pa
sha = "0123456789abcdef" * 4
vector = pa.list_(pa.float32(), 2)
columns = [("key", pa.string()), ("class", pa.string()), ("sha256", pa.string()), ("embedding", vector)]
schema = ${schema}
with pa.OSFile(sys.argv[1], "wb") as sink, pa.ipc.new_file(sink, schema${options}) as writer:
    for columns in ${batches}:
        writer.write_batch(pa.record_batch(columns, schema=schema))`,
      [file],
    );
    return readFile(file);
  }

  const plain = 'pa.schema(columns)';
  const oneRow = '[[["a/1"], ["a"], [sha], pa.array([[1, 2]], vector)]]';

  it('give back the gallery that was written', async () => {
    const read = readGallery(await writeGallery(gallery));
    assert.deepEqual(rowsOf(read), rowsOf(gallery));
    assert.deepEqual([read.dimensions, read.distance, read.embedder], [3, 'cosine', embedder]);
  });

  it('give back more rows than one record batch has', async () => {
    const keys = Array.from({ length: 70_000 }, (_, row) => `a/${row}`);
    const many = galleryOfRows(
      keys.map((key, row) => [key, [row]]),
      { embedder },
    );
    const read = readGallery(await writeGallery(many));
    assert.deepEqual(read.keys, many.keys);
    assert.deepEqual(read.embeddings, many.embeddings);
  });

  it('give back an empty gallery', async () => {
    const read = readGallery(await writeGallery(galleryOfRows([], { dimensions: 7 })));
    assert.deepEqual([read.keys.length, read.dimensions, read.embedder], [0, 7, null]);
  });

  it('are read from bytes that are not aligned, and share no memory with them', async () => {
    const written = await writeGallery(gallery);
    const shifted = new Uint8Array(written.length + 1);
    shifted.set(written, 1);
    const read = readGallery(shifted.subarray(1));
    shifted.fill(0);
    assert.deepEqual(rowsOf(read), rowsOf(gallery));
  });

  it('are the same bytes for the same gallery', async () => {
    assert.deepEqual(
      await writeGallery(gallery),
      await writeGallery(readGallery(await writeGallery(gallery))),
    );
  });

  it('are opened by pyarrow, as file and as stream, with values, schema and metadata', async () => {
    const file = path.join(folder, 'gallery.arrow');
    await writeFile(file, await writeGallery(gallery));
    const seen: unknown = JSON.parse(
      await runPython(
        `import sys, json, pyarrow as pa
table = pa.ipc.open_file(sys.argv[1]).read_all()
table.validate(full=True)
stream = pa.ipc.open_stream(pa.py_buffer(open(sys.argv[1], "rb").read()[8:])).read_all()
assert stream.equals(table)
print(json.dumps({"columns": table.to_pydict(), "types": [str(f.type) for f in table.schema],
  "metadata": {k.decode(): v.decode() for k, v in table.schema.metadata.items()}}))`,
        [file],
      ),
    );
    assert.deepEqual(seen, {
      columns: {
        key: [...gallery.keys],
        class: [...gallery.classes],
        sha256: [...gallery.sha256],
        embedding: rowsOf(gallery).map(([, , , embedding]) => embedding),
      },
      types: ['string', 'string', 'string', 'fixed_size_list<item: float not null>[3]'],
      metadata: { 'kindred.distance': 'cosine', 'kindred.model': 'haine', 'kindred.version': '3' },
    });
  });

  it('of changes are opened by pyarrow, one row for each fact', async () => {
    const file = path.join(folder, 'change.arrow');
    await writeFile(file, await writeChanges([change]));
    const seen = JSON.parse(
      await runPython(
        `import sys, json, pyarrow as pa
table = pa.ipc.open_file(sys.argv[1]).read_all()
table.validate(full=True)
print(json.dumps(table.to_pylist()))`,
        [file],
      ),
    ) as { op: string; class: string; sha256: string; change: string }[];
    assert.deepEqual(
      seen.map((row) => [row.change, row.op, row.class, row.sha256]),
      FACTS.map((fact) => [ID, fact.op, 'class' in fact ? fact.class : '', fact.sha256 ?? '']),
    );
    assert.deepEqual(readChanges(await readFile(file), 'The change'), [change]);
  });

  it('of embeddings by checksum give them back with the network that made them', async () => {
    const embeddings = new Map([
      [sha256Of('a'), Float32Array.of(1, 2, 3)],
      [sha256Of('b'), Float32Array.of(4, 5, 6)],
    ]);
    const read = readEmbeddingsBySum(await writeEmbeddingsBySum(gallery, embeddings), 'The embeddings');
    assert.deepEqual([...read.embeddings], [...embeddings]);
    assert.deepEqual(read.binding, { dimensions: 3, distance: 'cosine', embedder });
  });

  it('of plain embeddings are opened by pyarrow', async () => {
    const file = path.join(folder, 'embeddings.arrow');
    await writeFile(file, await writeEmbeddings(['x.jpg', 'ș.png'], Float32Array.of(1, 2, 3, 4), 2));
    const seen: unknown = JSON.parse(
      await runPython(
        'import sys, json, pyarrow as pa; print(json.dumps(pa.ipc.open_file(sys.argv[1]).read_all().to_pydict()))',
        [file],
      ),
    );
    assert.deepEqual(seen, {
      image: ['x.jpg', 'ș.png'],
      embedding: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it('of golden pictures are opened by pyarrow, the pictures as bytes', async () => {
    const file = path.join(folder, 'golden.arrow');
    const [first, second] = [Uint8Array.of(137, 80, 78, 71, 0, 255), new Uint8Array(0)];
    const pictures = [
      { name: 'test card', png: first, embedding: Float32Array.of(1, 2) },
      { name: 'ă/2.png', png: second, embedding: Float32Array.of(3, 4) },
    ];
    await writeFile(file, await writeGolden({ dimensions: 2, pictures, madeBy: 'an engine' }));

    const printed = await runPython(
      `import sys, json, pyarrow as pa
with pa.OSFile(sys.argv[1]) as source: table = pa.ipc.open_file(source).read_all()
print(json.dumps([str(table.schema.field("png").type), table.schema.metadata[b"kindred.made-by"].decode(),
  [[row["picture"], row["png"].hex(), row["embedding"]] for row in table.to_pylist()]]))`,
      [file],
    );

    assert.deepEqual(JSON.parse(printed), [
      'binary',
      'an engine',
      [
        ['test card', '89504e4700ff', [1, 2]],
        ['ă/2.png', '', [3, 4]],
      ],
    ]);
  });

  it('written by pyarrow are read, with columns in another order and several record batches', async () => {
    const bytes = await writtenByPyarrow(
      'pa.schema(columns[::-1])',
      '[[pa.array([[1, 2], [3, 4]], vector), [sha, sha], ["ș", "ț"], ["ș/1", "ț/2"]], [pa.array([], vector), [], [], []], [pa.array([[5, 6]], vector), [sha], ["ț"], ["ț/3"]]]',
    );
    const read = readGallery(bytes);
    assert.deepEqual([...read.keys], ['ș/1', 'ț/2', 'ț/3']);
    assert.deepEqual([...read.embeddings], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual([read.distance, read.embedder], ['squared-euclidean', null]);
  });

  const refused: [name: string, schema: string, batches: string, options?: string][] = [
    ['a null key', plain, '[[[None], ["a"], [sha], pa.array([[1, 2]], vector)]]'],
    ['a null embedding', plain, '[[["a/1"], ["a"], [sha], pa.array([None], vector)]]'],
    ['a null number in an embedding', plain, '[[["a/1"], ["a"], [sha], pa.array([[1, None]], vector)]]'],
    ['NaN', plain, '[[["a/1"], ["a"], [sha], pa.array([[1, float("nan")]], vector)]]'],
    ['infinity', plain, '[[["a/1"], ["a"], [sha], pa.array([[1, float("inf")]], vector)]]'],
    ['a key twice', plain, '[[["a/1"] * 2, ["a"] * 2, [sha] * 2, pa.array([[1, 2]] * 2, vector)]]'],
    ['a key of another class', plain, '[[["b/1"], ["a"], [sha], pa.array([[1, 2]], vector)]]'],
    ['a key that climbs out', plain, '[[["../1"], [".."], [sha], pa.array([[1, 2]], vector)]]'],
    ['a wrong checksum', plain, '[[["a/1"], ["a"], ["no"], pa.array([[1, 2]], vector)]]'],
    ['a missing column', 'pa.schema(columns[:3])', '[[["a/1"], ["a"], [sha]]]'],
    [
      'an extra column',
      'pa.schema(columns + [("op", pa.string())])',
      '[[["a/1"], ["a"], [sha], pa.array([[1, 2]], vector), ["add"]]]',
    ],
    [
      'float64 embeddings',
      'pa.schema(columns[:3] + [("embedding", pa.list_(pa.float64(), 2))])',
      '[[["a/1"], ["a"], [sha], [[1, 2]]]]',
    ],
    [
      'lists of any length',
      'pa.schema(columns[:3] + [("embedding", pa.list_(pa.float32()))])',
      '[[["a/1"], ["a"], [sha], [[1, 2]]]]',
    ],
    [
      'no dimensions',
      'pa.schema(columns[:3] + [("embedding", pa.list_(pa.float32(), 0))])',
      '[[["a/1"], ["a"], [sha], pa.array([[]], pa.list_(pa.float32(), 0))]]',
    ],
    [
      'keys as numbers',
      'pa.schema([("key", pa.int32())] + columns[1:])',
      '[[[1], ["a"], [sha], pa.array([[1, 2]], vector)]]',
    ],
    [
      'a dictionary',
      'pa.schema([columns[0], ("class", pa.dictionary(pa.int8(), pa.string()))] + columns[2:])',
      '[[["a/1"], pa.array(["a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())), [sha], pa.array([[1, 2]], vector)]]',
    ],
    ['compression', plain, oneRow, ', options=pa.ipc.IpcWriteOptions(compression="zstd")'],
    ['an unknown distance', 'pa.schema(columns, metadata={"kindred.distance": "manhattan"})', oneRow],
    ['a model without version', 'pa.schema(columns, metadata={"kindred.model": "m"})', oneRow],
  ];
  for (const [name, schema, batches, options] of refused) {
    it(`with ${name} are refused as corrupt`, async () => {
      const bytes = await writtenByPyarrow(schema, batches, options);
      assert.throws(() => readGallery(bytes, 'models/m/versions/1/gallery.arrow'), {
        name: 'CorruptDataError',
        message: /^models\/m\/versions\/1\/gallery\.arrow /,
      });
    });
  }

  it('whose footer lists one batch many times are refused before its texts fill the memory', async () => {
    const batches = 64;
    const bytes = await writtenByPyarrow(
      plain,
      `[[[key], ["a"], [sha], pa.array([[1, 2]], vector)] for key in ["a/" + "x" * 100_000] + ["a/1"] * ${batches - 1}]`,
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const block = 24;
    // The footer's list: its length, then for each batch where it begins (with the mark of a message) and how long it is.
    const list = Array.from({ length: bytes.length / 4 - 8 }, (_, i) => 4 * i).findLast((at) => {
      const first = view.getUint32(at + 4, true);
      return view.getUint32(at, true) === batches && first < at && view.getUint32(first, true) === 0xffffffff;
    }) as number;
    for (let i = 1; i < batches; i++) bytes.copyWithin(list + 4 + i * block, list + 4, list + 4 + block);

    assert.throws(() => readGallery(bytes), {
      name: 'CorruptDataError',
      message: /texts .* do not fit in it/,
    });
  });

  it('in stream format are refused as corrupt', async () => {
    const file = path.join(folder, 'stream.arrow');
    await runPython(
      `import sys, pyarrow as pa
with pa.OSFile(sys.argv[1], "wb") as sink, pa.ipc.new_stream(sink, pa.schema([("key", pa.string())])) as writer: pass`,
      [file],
    );
    assert.throws(() => readGallery(new Uint8Array(0)), CorruptDataError);
    const bytes = await readFile(file);
    assert.throws(() => readGallery(bytes), CorruptDataError);
  });

  it('cut at any length are refused as corrupt', async () => {
    const bytes = await writeGallery(gallery);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => readGallery(bytes.slice(0, length)), CorruptDataError, `cut at ${length}`);
    }
  });

  it('with changed bytes are either a valid gallery or refused as corrupt, never another error', async () => {
    const bytes = await writeGallery(gallery);
    const random = new Random(5);
    for (let round = 0; round < 4000; round++) {
      const damaged = bytes.slice();
      const changes = 1 + random.below(4);
      for (let i = 0; i < changes; i++) damaged[random.below(damaged.length)] = random.below(256);
      try {
        const read = readGallery(damaged);
        assert.ok(read.embeddings.length <= bytes.length / 4);
      } catch (error) {
        assert.ok(error instanceof CorruptDataError, `round ${round}: ${String(error)}`);
      }
    }
  });

  it('of many changes give each of them back, in order', async () => {
    const later = createChange({
      id: '01BRZ3NDEKTSV4RRFFQ69G5FAV',
      after: ID,
      by: 'ion',
      facts: FACTS.slice(3),
    });
    assert.deepEqual(readChanges(await writeChanges([change, later]), 'The log'), [change, later]);
  });

  it('of changes are not read as a gallery, nor the other way round', async () => {
    const bytes = await writeChanges([change]);
    const whole = await writeGallery(gallery);
    assert.throws(() => readGallery(bytes), CorruptDataError);
    assert.throws(() => readChanges(whole, 'The change'), CorruptDataError);
    assert.throws(() => readEmbeddingsBySum(whole, 'The embeddings'), CorruptDataError);
  });

  it('of changes with an unknown fact, a wrong name or no fact at all are refused as corrupt', async () => {
    const columns = 'change after at by op class to sha256 was path source'.split(' ');
    const schema = `pa.schema([${columns.map((name) => `("${name}", pa.string())`).join(', ')}])`;
    const row = (op: string, id: string, className: string): string =>
      `[[${[id, '', '', '', op, className, '', 'X', '', 'f', ''].map((cell) => `["${cell}"]`).join(', ')}]]`.replace(
        '"X"',
        'sha',
      );
    assert.equal(readChanges(await writtenByPyarrow(schema, row('add', ID, 'a')), 'It').length, 1);
    for (const batches of [
      row('replace', ID, 'a'),
      row('add', 'latest', 'a'),
      row('add', ID, '..'),
      `[[${columns.map(() => 'pa.array([], pa.string())').join(', ')}]]`,
    ]) {
      const bytes = await writtenByPyarrow(schema, batches);
      assert.throws(() => readChanges(bytes, 'It'), CorruptDataError, batches);
    }
  });

  it('of changes with changed bytes are either valid or refused as corrupt, never another error', async () => {
    const bytes = await writeChanges([change]);
    const random = new Random(6);
    for (let round = 0; round < 2000; round++) {
      const damaged = bytes.slice();
      for (let i = random.below(4); i >= 0; i--) damaged[random.below(damaged.length)] = random.below(256);
      try {
        readChanges(damaged, 'It');
      } catch (error) {
        assert.ok(error instanceof CorruptDataError, `round ${round}: ${String(error)}`);
      }
    }
  });
});
