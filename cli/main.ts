/** The command line: `bin/kindred.mjs` loads this file, and loading it runs the command. */
import { quietTensorFlow } from './context.ts';
import { run } from './run.ts';

quietTensorFlow();
// Whoever reads the result may stop before its end, as `head` does; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await run(process.argv);
