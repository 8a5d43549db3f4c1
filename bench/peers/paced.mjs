/**
 * Requests at a constant rate, whether answers come or not; a request's time begins when it was due. (autocannon sends those of a second at its
 * beginning.) Its one argument is JSON: {url, file, rate, seconds}.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { url, file, rate, seconds } = JSON.parse(process.argv[2] ?? '');
const body = readFileSync(file);
const agent = new Agent({ keepAlive: true, maxSockets: 1000 });

const ask = () =>
  new Promise((resolve) => {
    const asked = request(url, { method: 'POST', agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    });
    asked.on('error', () => resolve(false));
    asked.end(body);
  });

/** @type {number[]} */
const taken = [];
let failed = 0;
const began = performance.now();
const asking = Array.from({ length: Math.round(rate * seconds) }, async (_, i) => {
  const due = began + (i / rate) * 1000;
  await sleep(due - performance.now());
  if (await ask()) taken.push((performance.now() - due) / 1000);
  else failed++;
});
await Promise.all(asking);
agent.destroy();
process.stdout.write(`${JSON.stringify({ seconds: taken, failed })}\n`);
