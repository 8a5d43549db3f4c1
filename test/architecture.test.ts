import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** From left to right: a room may use those before it. */
const ROOMS = [
  'storage',
  'images',
  'network',
  'embedding',
  'gallery',
  'registry',
  'training',
  'pipeline',
  'promotion',
  'ingest',
  'jobs',
];

/** Imports that heavy libraries' homes may have, and nobody else. */
const HOMES: ReadonlyArray<readonly [file: string, library: string]> = [
  ['core/images/a.ts', 'sharp'],
  ['core/network/tensorflow.ts', '@tensorflow/tfjs-node'],
  ['core/gallery/arrow.ts', 'apache-arrow'],
  ['core/storage/s3/client.ts', '@aws-sdk/client-s3'],
  ['core/registry/ssm/client.ts', '@aws-sdk/client-ssm'],
  ['core/embedding/a.ts', 'onnxruntime-node'],
  ['cli/a.ts', 'commander'],
];

interface Planted {
  readonly file: string;
  readonly code: string;
  readonly allowed: boolean;
}

/** Lints the planted files, and nothing else, with the project's rules; gives those that break a rule about imports or globals. */
async function brokenFiles(t: TestContext, planted: readonly Planted[]): Promise<Set<string>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(path.join(root, '.oxlintrc.json'), path.join(folder, '.oxlintrc.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  for (const { file, code } of planted) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), code);
  }
  const lint = path.join(root, 'node_modules', '.bin', 'oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(lint, ['-f', 'json'], { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Array<{ code: string; filename: string }> };
  const rules = /no-restricted-imports|no-process-env|no-console|no-cycle/;
  return new Set(diagnostics.filter(({ code }) => rules.test(code)).map(({ filename }) => filename));
}

async function assess(t: TestContext, planted: readonly Planted[]): Promise<void> {
  const broken = await brokenFiles(t, planted);

  const expected = planted.filter(({ allowed }) => !allowed).map(({ file }) => file);
  assert.deepEqual([...broken].toSorted(), expected.toSorted());
}

const importing = (from: string): string => `import { a } from '${from}';\nexport const b = a;\n`;

test('A room may import from itself and from the rooms before it, not from later ones', async (t) => {
  const planted = ROOMS.flatMap((room, here) =>
    ROOMS.flatMap((other, there) => [
      { file: `core/${room}/uses-${other}.ts`, code: importing(`../${other}/a.ts`), allowed: there <= here },
      {
        file: `core/${room}/deep/uses-${other}.ts`,
        code: importing(`../../${other}/a.ts`),
        allowed: there <= here,
      },
    ]),
  );

  await assess(t, planted);
});

test('The core imports nothing of what stands around it', async (t) => {
  const outside = ['cli', 'functions', 'cdk', 'web', 'bench', 'test', 'scripts'];

  await assess(
    t,
    ROOMS.flatMap((room) =>
      outside.map((other) => ({
        file: `core/${room}/uses-${other}.ts`,
        code: importing(`../../${other}/a.ts`),
        allowed: false,
      })),
    ),
  );
});

test('Each heavy library is imported in its home only', async (t) => {
  const elsewhere = [
    ...ROOMS.map((room) => `core/${room}`),
    'core/storage/s3',
    'core',
    'cli',
    'functions',
    'cdk',
  ];
  const planted = HOMES.flatMap(([home, library]) => [
    { file: home, code: importing(library), allowed: true },
    ...elsewhere
      .filter((folder) => folder !== path.dirname(home) || home.endsWith('arrow.ts'))
      .map((folder) => ({
        file: `${folder}/imports-${library.replaceAll(/\W/g, '-')}.ts`,
        code: importing(library),
        allowed: false,
      })),
  ]);

  await assess(t, planted);
});

test('Only the rooms of tensors take TensorFlow from its home', async (t) => {
  const allowed = new Set(['network', 'embedding', 'training']);

  await assess(
    t,
    ROOMS.filter((room) => ROOMS.indexOf(room) >= ROOMS.indexOf('network')).map((room) => ({
      file: `core/${room}/tensors.ts`,
      code: importing('../network/tensorflow.ts'),
      allowed: allowed.has(room),
    })),
  );
});

test('The core neither looks at the environment nor prints, and the functions look at it in one place', async (t) => {
  await assess(t, [
    { file: 'core/jobs/environment.ts', code: "export const a = process.env['HOME'];\n", allowed: false },
    { file: 'core/jobs/printing.ts', code: 'console.log(1);\n', allowed: false },
    { file: 'cli/environment.ts', code: "export const a = process.env['HOME'];\n", allowed: true },
    { file: 'functions/a.ts', code: "export const a = process.env['HOME'];\n", allowed: false },
    { file: 'functions/environment.ts', code: "export const a = process.env['HOME'];\n", allowed: true },
  ]);
});

test('The command line starts the server in one place, and the server knows no command line', async (t) => {
  await assess(t, [
    { file: 'cli/serve/a.ts', code: importing('../../functions/a.ts'), allowed: true },
    { file: 'cli/commands/a.ts', code: importing('../../functions/a.ts'), allowed: false },
    { file: 'cli/a.ts', code: importing('../functions/a.ts'), allowed: false },
    { file: 'functions/a.ts', code: importing('../cli/a.ts'), allowed: false },
    { file: 'functions/http/a.ts', code: importing('../../cli/a.ts'), allowed: false },
    { file: 'functions/http/b.ts', code: importing('../../core/registry/a.ts'), allowed: true },
  ]);
});

test('The stacks use nothing of the product, and the product nothing of the stacks', async (t) => {
  const rooms = [...ROOMS.map((room) => `core/${room}`), 'core', 'cli', 'functions', 'bench', 'test', 'web'];

  await assess(t, [
    ...rooms.flatMap((room) => {
      const name = room.replace('/', '-');
      return [
        { file: `cdk/${name}.ts`, code: importing(`../${room}/a.ts`), allowed: false },
        { file: `cdk/stacks/${name}.ts`, code: importing(`../../${room}/a.ts`), allowed: false },
      ];
    }),
    { file: 'cdk/stacks/construct.ts', code: importing('../constructs/a.ts'), allowed: true },
    { file: 'cdk/stacks/aws.ts', code: importing('aws-cdk-lib/aws-s3'), allowed: true },
    { file: 'cdk/stacks/sdk.ts', code: importing('@aws-sdk/client-batch'), allowed: false },
    { file: 'functions/trainings/sdk.ts', code: importing('@aws-sdk/client-batch'), allowed: true },
    { file: 'core/jobs/sdk.ts', code: importing('@aws-sdk/client-batch'), allowed: false },
    { file: 'functions/stack.ts', code: importing('../cdk/a.ts'), allowed: false },
    { file: 'cli/stack.ts', code: importing('../cdk/a.ts'), allowed: false },
  ]);
});

test('Files do not import each other in a circle, not even for types', async (t) => {
  await assess(t, [
    { file: 'cli/a.ts', code: "import type { B } from './b.ts';\nexport type A = B;\n", allowed: false },
    { file: 'cli/b.ts', code: "export type { A as B } from './c.ts';\n", allowed: false },
    { file: 'cli/c.ts', code: "import type { A } from './a.ts';\nexport type { A };\n", allowed: false },
    { file: 'cli/d.ts', code: "import type { A } from './a.ts';\nexport type D = A;\n", allowed: true },
  ]);
});

test('What is in the project keeps to these rules', async () => {
  const lint = path.join(root, 'node_modules', '.bin', 'oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(
      lint,
      ['-f', 'json', 'core', 'cli', 'functions', 'cdk', 'scripts', 'bench', 'examples', 'test'],
      { cwd: root, maxBuffer: 2 ** 26 },
      (_error, stdout) => resolve(stdout),
    );
  });

  const { diagnostics } = JSON.parse(output) as { diagnostics: Array<{ code: string; filename: string }> };
  const found = diagnostics.filter(({ code }) => /no-restricted-imports|no-cycle/.test(code));
  assert.deepEqual(found, []);
});
