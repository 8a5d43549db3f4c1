/** Modules that are computed when the package is made: what they export is known then, and what they need is too large for Lambda. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const COMPUTED = /\/functions\/trainings\/batch\/recipe-options\.ts$/;
const PROGRAM = 'process.stdout.write(JSON.stringify(await import(process.argv[1])))';

/** @type {import('esbuild').Plugin} */
export const withConstants = {
  name: 'with-constants',
  setup(builder) {
    builder.onLoad({ filter: COMPUTED }, async ({ path }) => {
      const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', PROGRAM, path];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const values = Object.entries(JSON.parse(stdout));
      return {
        contents: values
          .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
          .join('\n'),
      };
    });
  },
};
