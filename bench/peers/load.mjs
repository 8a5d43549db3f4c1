/** Requests from autocannon, in a process of their own. Its one argument is JSON: autocannon's options, and the file that is sent. */
import { readFileSync } from 'node:fs';
// @ts-expect-error it comes without types
import autocannon from 'autocannon';

const { file, ...options } = JSON.parse(process.argv[2] ?? '');
const result = await autocannon({
  ...options,
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream' },
  body: readFileSync(file),
  timeout: 60,
});
process.stdout.write(`${JSON.stringify(result)}\n`);
