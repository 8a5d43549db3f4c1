import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingPackages, runPython } from '../support/python.ts';
import { picture } from '../core/registry/colours.ts';
import { listening } from './support.ts';

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'unsupported_method',
];

/** Streams have no end that a fuzzer would wait for. */
const ARGS = [
  '--checks',
  CHECKS.join(','),
  '--exclude-path-regex',
  '/events$',
  '--max-examples',
  '12',
  '--seed',
  '1',
  '--no-color',
];

const SCRIPT = `
import sys
import tempfile
from schemathesis.cli import schemathesis
with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
    # This server starts no trainings, and says so.
    config.write('[checks.not_a_server_error]\\nexpected-statuses = ["2xx", "3xx", "4xx", 501]\\n')
    config.flush()
    schemathesis(["--config-file", config.name, "run", *sys.argv[1:]])
`;

describe('schemathesis', async () => {
  const missing = await missingPackages('schemathesis');

  it('finds nothing that is not as the description says', { skip: missing ?? false }, async () => {
    // Without trainings: each would ask a process whether its recipe takes its options.
    const served = await listening();
    try {
      const bytes = await (await picture('red', 1)).read();
      await served.registry.addToDataSet('clothes', { className: 'hat', file: '1.png', bytes });

      await runPython(SCRIPT, [`${served.url}/openapi.json`, ...ARGS], 'schemathesis').catch(
        (error: unknown) => {
          const { stdout = String(error) } = error as { stdout?: string };
          assert.fail(stdout.slice(-6000));
        },
      );

      assert.deepEqual(
        served.log.filter(({ level }) => level === 'error'),
        [],
      );
    } finally {
      await served.close();
    }
  });
});
