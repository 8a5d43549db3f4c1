/** What a deployment may choose: that the guide says it, and that what AWS or the code would not take is refused before anything is made. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConfigError, parseConfig } from '../../cdk/config.ts';
import { BUCKET, GPU_MACHINE, MODEL } from '../../cdk/limits.ts';
import { isName } from '../../core/registry/names.ts';

/** Every choice with its default, as the guide's table has it. */
function choices(value: unknown, at = ''): [name: string, value: string][] {
  const isChoice = typeof value !== 'object' || value === null || Array.isArray(value) || at === 'api.auth';
  if (isChoice) return [[`\`${at}\``, `\`${JSON.stringify(value)}\``]];
  return Object.entries(value).flatMap(([name, each]) => choices(each, at === '' ? name : `${at}.${name}`));
}

/** Needs no template. */
export function describeConfiguration(): void {
  describe('the configuration', () => {
    it('is in the guide, with all defaults', () => {
      const guide = readFileSync(new URL('../../docs/aws.md', import.meta.url), 'utf8');
      const [, section = ''] = guide.split('### Configuration');
      const rows = [...section.matchAll(/^\| (`\S+`) +\| (`.*?`) +\|/gm)].map(([, name, value]) => [
        name,
        value,
      ]);

      assert.deepEqual(rows.slice(0, choices(parseConfig()).length), choices(parseConfig()));
    });

    const jwt = { kind: 'jwt', issuer: 'https://x.example', audience: ['x'] };
    const wrong: Readonly<Record<string, [unknown, RegExp]>> = {
      'an unknown name': [{ nam: 'x' }, /\(all\): Unrecognized key: "nam"/],
      'a name that AWS does not take': [
        { name: 'My Shop' },
        /name: has to be small letters.* \(it is "My Shop"\)/,
      ],
      'a name that Parameter Store does not take': [
        { name: 'aws-shop' },
        /name: has to begin otherwise: tokens are parameters below it.* \(it is "aws-shop"\)/,
      ],
      'days that CloudWatch does not know': [
        { retention: { logDays: 31 } },
        /retention\.logDays: CloudWatch keeps logs for one of 1, .* \(it is 31\)/,
      ],
      'dead letters that are gone when they come': [
        { retention: { deadLetterDays: 4 } },
        /retention\.deadLetterDays: Too small: expected number to be >=5 \(it is 4\)/,
      ],
      'an issuer without an audience': [
        { api: { auth: { ...jwt, audience: undefined } } },
        /api\.auth\.audience/,
      ],
      'an issuer that API Gateway does not take': [
        { api: { auth: { ...jwt, issuer: 'http://x.example' } } },
        /api\.auth\.issuer: .* with https \(it is "http:/,
      ],
      'an origin that no browser says': [
        { api: { origins: ['https://shop.example/'] } },
        /api\.origins\.0: has to be an origin, such as https:\/\/shop\.example, without a path/,
      ],
      'every origin': [{ api: { origins: ['*'] } }, /api\.origins\.0: has to be an origin/],
      'a model that cannot be there': [
        { api: { model: 'My Shoes' } },
        /api\.model: has to be the name of a model/,
      ],
      'memory that a network does not fit into': [
        { api: { memoryMb: 512 }, ingest: { memoryMb: 512 } },
        /api\.memoryMb: .*>=1024 \(it is 512\)\n.*ingest\.memoryMb/,
      ],
      'attempts that take longer than a message is kept': [
        { ingest: { attempts: 100, timeoutSeconds: 900 } },
        /ingest\.attempts: .* 4 days that a message is kept.* \(it is 100\)/,
      ],
      'memory that Fargate has not': [
        { training: { cpu: { vcpus: 2, memoryMb: 20_480 } } },
        /training\.cpu\.memoryMb: beside 2 processors Fargate has 4096 to 16384 MB, in steps of 1024 \(it is 20480\)/,
      ],
      'fewer processors than one training takes': [
        { training: { cpu: { vcpus: 8, memoryMb: 16_384, maxVcpus: 4 } } },
        /training\.cpu\.maxVcpus: a training takes 8/,
      ],
      'a bucket that stands for others': [
        { training: { dataBuckets: ['pictures-*'] } },
        /training\.dataBuckets\.0: has to be the name of a bucket/,
      ],
      'a queue that stands for others': [
        { training: { existing: { queue: '*', job: 'training' } } },
        /training\.existing\.queue: has to be the name of a job queue/,
      ],
      'an alarm on answers that are never given': [
        { alarms: { latencySeconds: 29 } },
        /alarms\.latencySeconds: has to be less than api\.timeoutSeconds \(29\).* \(it is 29\)/,
      ],
      'an alarm on more than all': [
        { alarms: { unknownShare: 1 } },
        /alarms\.unknownShare: .*<1 \(it is 1\)/,
      ],
      'an alarm on messages that are gone': [
        { alarms: { queueAgeSeconds: 345_600 } },
        /alarms\.queueAgeSeconds: .*<=345599/,
      ],
      'a type of instance that is none': [
        { training: { gpu: { instanceTypes: ['big'] } } },
        /training\.gpu\.instanceTypes\.0: has to be a type with an NVIDIA GPU and an x86 processor/,
      ],
    };
    for (const [what, [chosen, says]] of Object.entries(wrong)) {
      it(`refuses ${what}`, () => {
        assert.throws(
          () => parseConfig(chosen),
          (error: unknown) => error instanceof ConfigError && says.test(error.message),
        );
      });
    }

    it('takes the machines that trainings can run on', () => {
      const can =
        'g4dn.xlarge g4dn.metal g5.48xlarge g6.xlarge g6e.2xlarge gr6.4xlarge p4d.24xlarge p5en.48xlarge p6-b200.48xlarge';
      // No GPU; AMD's; Graviton beside it; a part of a GPU; what ECS_AL2023_NVIDIA has no driver for.
      const cannot =
        'm5.xlarge c7g.xlarge g4ad.xlarge g5g.xlarge p6e-gb200.36xlarge g6f.large gr6f.4xlarge p3.2xlarge g3s.xlarge';

      assert.deepEqual(
        `${can} ${cannot}`.split(' ').filter((type) => GPU_MACHINE.test(type)),
        can.split(' '),
      );
    });

    it('names models as the registry does, and buckets as S3 does', () => {
      const names = ['shoes', '1', 'a.b_c-d', '-a', 'A', 'a/b', 'a*', '', 'x'.repeat(63), 'x'.repeat(64)];

      assert.deepEqual(
        names.filter((name) => MODEL.test(name)),
        names.filter((name) => isName(name, 'model')),
      );
      assert.deepEqual(
        ['pictures', 'a.b-c', 'ab', 'Pictures', 'a_b', 'pictures-', 'x'.repeat(64)].filter((name) =>
          BUCKET.test(name),
        ),
        ['pictures', 'a.b-c'],
      );
    });

    it('says which file cannot be read', async () => {
      const cdk = fileURLToPath(new URL('../../cdk/app.ts', import.meta.url));
      const environment = {
        ...process.env,
        CDK_CONTEXT_JSON: JSON.stringify({ kindred: '/nowhere/config.json' }),
      };
      const run = promisify(execFile)(process.execPath, ['--import', 'tsx', cdk], { env: environment });

      await assert.rejects(run, ({ code, stderr }: { code: number; stderr: string }) => {
        assert.match(stderr, /^The configuration \/nowhere\/config\.json cannot be read: ENOENT.*\n$/);
        return code === 1;
      });
    });
  });
}
