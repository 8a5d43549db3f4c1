import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CorruptDataError, KindredError } from '../../../core/errors.ts';
import {
  readGallery,
  readSegment,
  writeEmbeddings,
  writeGallery,
  writeSegment,
} from '../../../core/gallery/arrow.ts';
import { writeGolden } from '../../../core/gallery/arrow-golden.ts';
import { createSegment } from '../../../core/gallery/segments.ts';
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

describe('gallery and segment files', () => {
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

  it('of segments are opened by pyarrow, removals without an embedding', async () => {
    const file = path.join(folder, 'segment.arrow');
    const segment = createSegment(gallery, [
      { op: 'remove', key: 'Operă/1.jpg' },
      { op: 'add', key: 'a/b', class: 'a', sha256: sha256Of('b'), embedding: Float32Array.of(1, 2, 3) },
      {
        op: 'add',
        alone: true,
        key: 'c/d',
        class: 'c',
        sha256: sha256Of('d'),
        embedding: Float32Array.of(4, 5, 6),
      },
    ]);
    await writeFile(file, await writeSegment(segment));
    const seen: unknown = JSON.parse(
      await runPython(
        `import sys, json, pyarrow as pa
table = pa.ipc.open_file(sys.argv[1]).read_all()
table.validate(full=True)
print(json.dumps(table.to_pylist()))`,
        [file],
      ),
    );
    assert.deepEqual(seen, [
      { op: 'remove', key: 'Operă/1.jpg', class: 'Operă', sha256: '', embedding: null },
      { op: 'add', key: 'a/b', class: 'a', sha256: sha256Of('b'), embedding: [1, 2, 3] },
      { op: 'place', key: 'c/d', class: 'c', sha256: sha256Of('d'), embedding: [4, 5, 6] },
    ]);
    assert.deepEqual(readSegment(await readFile(file), segment.id), segment);
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

  it('of a segment give back its entries', async () => {
    const segment = createSegment(
      gallery,
      [
        { op: 'add', key: 'a/b', class: 'a', sha256: sha256Of('b'), embedding: Float32Array.of(1, 2, 3) },
        { op: 'remove', key: 'a/b' },
      ],
      ID,
    );
    assert.deepEqual(readSegment(await writeSegment(segment), ID), segment);
  });

  it('of a segment are not read as a gallery, nor the other way round', async () => {
    const segment = await writeSegment(createSegment(gallery, [{ op: 'remove', key: 'a/b' }], ID));
    const whole = await writeGallery(gallery);
    assert.throws(() => readGallery(segment), CorruptDataError);
    assert.throws(() => readSegment(whole, ID), CorruptDataError);
  });

  it('of a segment with an unknown op, or an addition without embedding, are refused as corrupt', async () => {
    for (const op of ['replace', 'add']) {
      const bytes = await writtenByPyarrow(
        'pa.schema([("op", pa.string())] + columns)',
        `[[["${op}"], ["a/1"], ["a"], [sha], pa.array([None], vector)]]`,
      );
      assert.throws(() => readSegment(bytes, ID), CorruptDataError);
    }
  });

  it('of a segment need a ULID as name', async () => {
    const segment = await writeSegment(createSegment(gallery, [], ID));
    assert.throws(
      () => readSegment(segment, 'latest'),
      (error) =>
        error instanceof KindredError && error.code === 'invalid-input' && error.message.includes('"latest"'),
    );
  });
});
