/** The stacks, deployed onto an emulated AWS, and used: pictures, a training on Batch, answers, pictures that come later. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CloudUser, until } from '../../examples/cloud-user.ts';
import { createToken, revokeToken } from '../../core/registry/tokens.ts';
import { SAMPLES } from '../cli/support.ts';
import { Deployment } from '../support/deployment.ts';
import { missingPackages } from '../support/python.ts';
import { bucketRights, synthesise } from './support.ts';

const OPTIONS = {
  size: 64,
  scales: [1],
  dimensions: 16,
  classes: 3,
  pictures: 2,
  stepsPerEpoch: 2,
  epochs: 0,
};

const skip = (await missingPackages('aws')) ?? false;

describe('what is deployed', { skip }, () => {
  let deployed: Deployment;
  let user: CloudUser;

  const sample = (
    part: string,
    className: string,
    n: number,
  ): { bytes: Buffer<ArrayBuffer>; type: string } => {
    const place = path.join(SAMPLES, part, className);
    const file = path.join(place, readdirSync(place).toSorted()[n] ?? '');
    return { bytes: Buffer.from(readFileSync(file)), type: 'image/jpeg' };
  };

  before(async () => {
    const made = synthesise();
    const rights = {
      api: bucketRights(made, 'api', 'ServeRole'),
      ingest: bucketRights(made, 'ingest', 'IngestRole'),
      training: bucketRights(made, 'training', 'TrainingRole'),
    };
    made.remove();
    deployed = await Deployment.start({ rights, configuration: { ingest: { attempts: 2 } } });
    user = new CloudUser(deployed, 'clothes');
  });
  after(async () => {
    await deployed?.stop();
  });

  it('answers at its address whoever has a token, and nobody else', async () => {
    const { token } = deployed;
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const statuses = [
      await deployed.ask('GET', '/healthz', { as: '' }),
      await deployed.ask('GET', '/v1/models', { as: '' }),
      await deployed.ask('GET', '/v1/models', { as: 'kindred_wrong' }),
      await deployed.ask('GET', '/v1/models', { as: wrong }),
      await deployed.ask('GET', '/v1/models'),
    ].map(({ status }) => status);

    assert.deepEqual(statuses, [200, 401, 401, 401, 200]);
  });

  it('takes a token that is made later, and no more when it is revoked', async () => {
    const wanted = { name: 'another user', scopes: ['read'], createdBy: 'a user' } as const;
    const { token, stored } = await createToken(deployed.tokens, wanted);
    const asked = async (): Promise<number> =>
      (await deployed.ask('GET', '/v1/models', { as: token })).status;
    await until('it is known', async () => (await asked()) === 200);
    await revokeToken(deployed.tokens, stored.id);
    await until('it holds no more', async () => (await asked()) === 401);

    assert.equal((await deployed.ask('GET', '/v1/models')).status, 200);
    assert.ok(deployed.asked.api?.allowed.has('ssm:GetParametersByPath on kindred/tokens'));
  });

  it('trains on pictures of the bucket as a job of Batch, once for a key, and answers with what was made', async () => {
    const pictures = ['hat', 'pants', 'shoes'].flatMap((name) =>
      [0, 1, 2, 3].map((n) => ({ class: name, file: `${n}.jpg`, ...sample('train', name, n) })),
    );
    await user.upload(pictures);
    const refused = await deployed.ask('POST', '/v1/trainings', {
      body: JSON.stringify({ dataset: 'clothes', options: { epoch: 1 } }),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'the first' },
    });
    const { result } = await user.train({ options: OPTIONS }, undefined, 'the first');
    const answer = await user.classify(sample('train', 'hat', 0));

    assert.equal(refused.status, 400);
    assert.equal(await deployed.batch.jobs(), 1);
    assert.equal(result?.version, 1);
    assert.deepEqual([answer.version, answer.class], [1, 'hat']);
  });

  it('recognises what is put into the bucket later, without another training', async () => {
    const dress = sample('train', 'dress', 0);
    const known = (await user.classify(dress)).class;
    await deployed.registry.store.put('datasets/clothes/dress é + 1/1.jpg', dress.bytes);
    await until('it is known', async () => (await user.classify(dress)).class === 'dress é + 1');

    assert.notEqual(known, 'dress é + 1');
    assert.deepEqual(await deployed.registry.versions('clothes'), [1]);
  });

  it('takes pictures and moves of aliases through the interface', async () => {
    const { bytes, type } = sample('train', 'shirt', 0);
    const image = '/v1/datasets/clothes/images/shirt/1.jpg';
    const alias = { body: JSON.stringify({ version: 1 }), headers: { 'if-none-match': '*' } };
    const statuses = [
      await deployed.ask('PUT', image, { body: bytes, headers: { 'content-type': type } }),
      await deployed.ask('DELETE', image),
      await deployed.ask('PUT', '/v1/models/clothes/aliases/staging', {
        ...alias,
        headers: { ...alias.headers, 'content-type': 'application/json' },
      }),
    ].map(({ status }) => status);

    assert.deepEqual(statuses, [200, 200, 200]);
  });

  it('puts a message aside that cannot be taken up, and goes on', async () => {
    const QueueUrl = deployed.queueUrl('ExportsOutputFnGetAttPictures');
    const deadLetters = deployed.queueUrl('ExportsOutputFnGetAttDeadLetters');
    // Twelve minutes are too long for a test.
    await deployed.sqs('SetQueueAttributes', { QueueUrl, Attributes: { VisibilityTimeout: '1' } });
    await deployed.sqs('SendMessage', { QueueUrl, MessageBody: '{"poison":true}' });
    let dead: { Messages?: { Body: string }[] } = {};
    await until('it is a dead letter', async () => {
      dead = await deployed.sqs('ReceiveMessage', { QueueUrl: deadLetters });
      return dead.Messages !== undefined && dead.Messages.length > 0;
    });

    assert.equal(dead.Messages?.[0]?.Body, '{"poison":true}');
    assert.equal((await deployed.ask('GET', '/healthz')).status, 200);
  });

  it('did all of that with the rights of its roles', async () => {
    for (const role of ['api', 'ingest', 'training'] as const) {
      const { allowed, refused } = deployed.asked[role] ?? {};
      assert.deepEqual([role, ...(refused ?? [])], [role]);
      assert.ok(allowed && allowed.size > 0, `${role} has asked for nothing`);
    }
    // No role may write a version's files but the one that trains, nor read the tokens of a registry.
    const forbidden = [
      ['api', 'PUT', 'models/clothes/versions/1/manifest.json'],
      ['ingest', 'DELETE', 'datasets/clothes/hat/0.jpg'],
      ['api', 'GET', 'tokens/01M8KN6Z1FVG8WV29B1J6VW87Z.json'],
      ['training', 'GET', 'tokens/01M8KN6Z1FVG8WV29B1J6VW87Z.json'],
    ] as const;
    for (const [role, method, key] of forbidden) {
      const { status } = await fetch(`http://127.0.0.1:${deployed.asked[role]?.port}/bucket/${key}`, {
        method,
      });
      assert.equal(status, 403, `${role} ${method} ${key}`);
    }
    // Nor make a token, nor, but for the interface, read what is kept of them.
    for (const [role, action] of [
      ['api', 'PutParameter'],
      ['ingest', 'GetParametersByPath'],
      ['training', 'GetParametersByPath'],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${deployed.asked[role]?.port}/`, {
        method: 'POST',
        headers: { 'x-amz-target': `AmazonSSM.${action}` },
        body: JSON.stringify(
          action === 'PutParameter' ? { Name: '/kindred/tokens/x' } : { Path: '/kindred/tokens' },
        ),
      });
      assert.equal(response.status, 403, `${role} ${action}`);
    }
  });

  it('leaves pictures and versions when it is taken away', async () => {
    await assert.rejects(deployed.destroy(), /cannot be deleted while TerminationProtection is enabled/);
    await deployed.unprotect();
    await deployed.destroy();
    const { status } = await deployed.ask('GET', '/healthz').catch(() => ({ status: 0 }));

    assert.notEqual(status, 200);
    assert.deepEqual(await deployed.registry.verify('clothes', 1), []);
    assert.notEqual(await deployed.registry.store.get('datasets/clothes/hat/0.jpg'), null);
  });
});
