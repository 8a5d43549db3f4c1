/** AWS Batch on this machine: moto, whose containers are processes that run what the container of trainings does. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
} from '@aws-sdk/client-batch';
import { Workplace } from '../cli/support.ts';
import { ACCOUNT, REGION, startMoto } from './aws.ts';
import type { Emulator } from './aws.ts';
import { startProcessEngine } from './process-engine.ts';
import type { ProcessEngine } from './process-engine.ts';

const ENTRY = fileURLToPath(new URL('../../bin/kindred-batch.mjs', import.meta.url));
export const QUEUE = 'trainings';
export const DEFINITION = 'training';
const STATUSES = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const;

/** What the job definitions of the stacks run; the test of the templates holds it against them. */
export function trainingCommand(registry: string): string[] {
  return ['train', '--resume', 'Ref::job', '--registry', registry, '--json'];
}

export class BatchEmulator {
  readonly engine: ProcessEngine;
  /** What lets a process reach it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly client: BatchClient;
  readonly #moto: Emulator;
  readonly #workplace: Workplace;

  private constructor(workplace: Workplace, engine: ProcessEngine, moto: Emulator) {
    this.#workplace = workplace;
    this.engine = engine;
    this.#moto = moto;
    this.environment = moto.environment;
    this.client = new BatchClient({
      endpoint: String(moto.environment['AWS_ENDPOINT_URL']),
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'a secret of the tests' },
    });
  }

  static async start(): Promise<BatchEmulator> {
    const workplace = new Workplace();
    const engine = await startProcessEngine({
      entry: [process.execPath, ENTRY],
      environment: { ...process.env, KINDRED_CACHE: workplace.in('cache'), TMPDIR: workplace.in('tmp') },
    });
    return new BatchEmulator(workplace, engine, await startMoto(engine.host));
  }

  /**
   * A queue, and a job definition for it.
   * @param environment what containers need to reach the registry
   */
  async makeQueue(registry: string, environment: Readonly<Record<string, string>>): Promise<void> {
    await this.#slowly();
    await this.#makeRole('batch');
    const serviceRole = `arn:aws:iam::${ACCOUNT}:role/batch`;
    const computeEnvironmentName = 'machines';
    await this.client.send(
      new CreateComputeEnvironmentCommand({
        computeEnvironmentName,
        type: 'UNMANAGED',
        state: 'ENABLED',
        serviceRole,
      }),
    );
    await this.client.send(
      new CreateJobQueueCommand({
        jobQueueName: QUEUE,
        state: 'ENABLED',
        priority: 1,
        computeEnvironmentOrder: [{ order: 1, computeEnvironment: computeEnvironmentName }],
      }),
    );
    await this.client.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName: DEFINITION,
        type: 'container',
        containerProperties: {
          image: 'localhost/training',
          command: trainingCommand(registry),
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          resourceRequirements: [
            { type: 'VCPU', value: '4' },
            { type: 'MEMORY', value: '14000' },
          ],
        },
      }),
    );
  }

  /** How many there were. */
  async jobs(): Promise<number> {
    const lists = await Promise.all(
      STATUSES.map(async (jobStatus) =>
        this.client.send(new ListJobsCommand({ jobQueue: QUEUE, jobStatus })),
      ),
    );
    return lists.reduce((sum, { jobSummaryList = [] }) => sum + jobSummaryList.length, 0);
  }

  async close(): Promise<void> {
    this.client.destroy();
    await this.engine.stop();
    await this.#moto.stop();
    this.#workplace.close();
  }

  /** A job is for a moment in each of Batch's states, as it would be for longer at AWS. */
  async #slowly(): Promise<void> {
    const transition = { progression: 'time', seconds: 1 };
    const response = await fetch(
      `${this.environment['AWS_ENDPOINT_URL']}/moto-api/state-manager/set-transition`,
      {
        method: 'POST',
        body: JSON.stringify({ model_name: 'batch::job', transition }),
      },
    );
    assert.equal(response.status, 201);
  }

  /** moto makes no compute environment without one. */
  async #makeRole(name: string): Promise<void> {
    const asked = {
      Action: 'CreateRole',
      Version: '2010-05-08',
      RoleName: name,
      AssumeRolePolicyDocument: '{}',
    };
    const response = await fetch(String(this.environment['AWS_ENDPOINT_URL']), {
      method: 'POST',
      body: new URLSearchParams(asked),
      headers: { authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/iam/aws4_request` },
    });
    assert.equal(response.status, 200, await response.text());
  }
}
