import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  DescribeParametersCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { registryTokens } from '../../../core/registry/registry-tokens.ts';
import { ssmTokens } from '../../../core/registry/ssm/tokens.ts';
import type { TokenStore } from '../../../core/registry/token-store.ts';
import { createToken, listTokens } from '../../../core/registry/tokens.ts';
import { memoryStore } from '../../../core/storage/memory.ts';
import { Workplace } from '../../cli/support.ts';
import { ACCOUNT, REGION, startMoto } from '../../support/aws.ts';
import type { Emulator } from '../../support/aws.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { missingPackages } from '../../support/python.ts';
import { tokenStoreContract } from './token-store-contract.ts';

describe('a registry with tokens', () => {
  tokenStoreContract(async () => {
    const objects = memoryStore();
    return {
      store: registryTokens(objects),
      async put(name, text) {
        await objects.put(`tokens/${name}.json`, new TextEncoder().encode(text));
      },
      async everything() {
        let all = '';
        for await (const { key } of objects.list(''))
          all += Buffer.from((await objects.get(key))?.bytes ?? []).toString();
        return all;
      },
    };
  });
});

describe('an address of tokens', () => {
  it('is a path in Parameter Store, of letters that are taken there', () => {
    assert.equal(ssmTokens('ssm:///kindred/tokens/').uri, 'ssm:///kindred/tokens');
    const wrong = [
      '',
      'ssm://',
      'ssm:///',
      'ssm://host/path',
      'ssm:///a//b',
      'ssm:///a b',
      's3://bucket',
      './a',
    ];
    for (const uri of wrong)
      assert.throws(() => ssmTokens(uri), {
        name: 'InvalidInputError',
        message: /Allowed is "ssm:\/\/\/PATH"/,
      });
    assert.throws(() => ssmTokens('ssm:///aws-shop/tokens'), { message: /AWS keeps paths/ });
    assert.throws(() => ssmTokens(`ssm://${'/a'.repeat(15)}`), { message: /14 levels/ });
  });
});

const skip = (await missingPackages('aws')) ?? false;

describe('Parameter Store with tokens', { skip }, () => {
  let moto: Emulator;
  let client: SSMClient;
  let places = 0;
  before(async () => {
    moto = await startMoto();
    client = new SSMClient(optionsFor(moto.port));
  });
  after(async () => {
    client?.destroy();
    await moto?.stop();
  });

  tokenStoreContract(async () => {
    const path = `/kindred/${++places}`;
    return {
      store: ssmTokens(`ssm://${path}`, optionsFor(moto.port)),
      async put(name, text) {
        const Name = `${path}/${name}`;
        await client.send(new PutParameterCommand({ Name, Value: text, Type: 'SecureString' }));
      },
      async everything() {
        const asked = new GetParametersByPathCommand({ Path: path, Recursive: true, WithDecryption: true });
        return JSON.stringify(await client.send(asked));
      },
    };
  });

  it('has parameters that are encrypted with the key of the account, and of the tier that costs nothing', async () => {
    await createToken(ssmTokens('ssm:///kindred/kind', optionsFor(moto.port)), wanted);
    const ParameterFilters = [{ Key: 'Path', Values: ['/kindred/kind'] }];
    const { Parameters = [] } = await client.send(new DescribeParametersCommand({ ParameterFilters }));

    assert.deepEqual(
      Parameters.map(({ Type, KeyId, Tier }) => [Type, KeyId, Tier]),
      [['SecureString', 'alias/aws/ssm', 'Standard']],
    );
  });

  it('has one token when the answer to its making was lost, and says what it may not do', async () => {
    const proxy = await startFaultProxy(moto.port);
    try {
      const store = ssmTokens('ssm:///kindred/lost', optionsFor(proxy.port));
      proxy.onRequest(({ attempt }) => (attempt === 1 ? { kind: 'lose-answer' } : undefined));
      const { stored } = await createToken(store, wanted);
      proxy.onRequest(() => undefined);

      assert.deepEqual(await listTokens(store), [stored]);
    } finally {
      await proxy.stop();
    }
    const closed = ssmTokens('ssm:///kindred/lost', optionsFor(proxy.port));
    await assert.rejects(listTokens(closed), {
      name: 'StorageError',
      message: /^Cannot list "ssm:\/\/\/kindred\/lost": nobody answers there\..*ECONNREFUSED, 3 attempts/,
    });
  });

  it('has its values decrypted once, and again when there is a new one', async () => {
    const proxy = await startFaultProxy(moto.port);
    const asked: string[] = [];
    proxy.onRequest(({ target, body }) => {
      const { WithDecryption } = JSON.parse(body.toString()) as { WithDecryption?: boolean };
      if (target === 'AmazonSSM.GetParametersByPath') asked.push(WithDecryption ? 'decrypted' : 'as it is');
      return undefined;
    });
    try {
      const [store, elsewhere] = [proxy.port, moto.port].map((port) =>
        ssmTokens('ssm:///kindred/looks', optionsFor(port)),
      ) as [TokenStore, TokenStore];
      const looked = async (): Promise<unknown> => {
        asked.length = 0;
        return [(await listTokens(store)).map(({ id }) => id), ...asked];
      };
      const { id } = (await createToken(elsewhere, wanted)).stored;
      const first = [await looked(), await looked()];
      const { stored: second } = await createToken(elsewhere, wanted);
      const both = [id, second.id].toSorted();

      assert.deepEqual(first, [
        [[id], 'decrypted'],
        [[id], 'as it is'],
      ]);
      assert.deepEqual(await looked(), [both, 'as it is', 'decrypted']);
      await elsewhere.delete(id);
      assert.deepEqual(await looked(), [[second.id], 'as it is']);
      // Another hash under the id of a token that was known.
      await elsewhere.delete(second.id);
      const other = { ...second, hash: '0'.repeat(64) };
      await elsewhere.create(second.id, new TextEncoder().encode(JSON.stringify(other)));
      assert.deepEqual(await listTokens(store), [other]);
    } finally {
      await proxy.stop();
    }
  });

  it('is where the commands keep tokens that are told so, and where a server looks for them', async () => {
    const workplace = new Workplace();
    try {
      const at = ['--tokens', 'ssm:///kindred/commands', '--json'];
      const [made, wrong] = await Promise.all([
        workplace.run(['tokens', 'create', 'me', '--scope', 'read', ...at], moto.environment),
        workplace.run(['tokens', 'list', '--tokens', 'sms:///a']),
      ]);
      const { token, ...shown } = JSON.parse(made.stdout) as { token: string; id: string };
      const environment = { ...moto.environment, KINDRED_TOKENS: 'ssm:///kindred/commands' };
      const listing = workplace.run(['tokens', 'list', '--json'], environment);
      const server = workplace.start(['serve', '--tokens', '--port', '0', '--json'], environment);
      const url = await new Promise<string>((resolve, reject) => {
        server.child.stdout?.on('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url));
        server.ended.then(({ stderr }) => reject(new Error(stderr)), reject);
      });
      const statuses: number[] = [];
      for (const as of [token, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`])
        statuses.push(
          (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${as}` } })).status,
        );
      server.child.kill('SIGTERM');
      await server.ended;
      const listed = await listing;
      const revoked = await workplace.run(['tokens', 'revoke', shown.id], environment);
      const none = await workplace.run(['tokens', 'list'], environment);

      assert.deepEqual(statuses, [200, 401]);
      assert.deepEqual(JSON.parse(listed.stdout), { tokens: [shown] });
      assert.doesNotMatch(made.stdout + listed.stdout + server.told(), /hash|[0-9a-f]{64}/);
      assert.equal(revoked.stdout, '"me" is revoked.\n');
      assert.equal(none.stdout, 'There is no token in "ssm:///kindred/commands".\n');
      assert.deepEqual([wrong.status, /Allowed is "ssm:\/\/\/PATH"/.test(wrong.stderr)], [2, true]);
    } finally {
      workplace.close();
    }
  });
});

const wanted = { name: 'a test', createdBy: 'a test', scopes: ['read'] } as const;

function optionsFor(port: number) {
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'a secret of the tests' },
  };
}
