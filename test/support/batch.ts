/** AWS Batch on this machine: moto, whose containers are processes that run what the container of trainings does, or real ones. */
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
import type { Container } from './process-engine.ts';

const ENTRY = fileURLToPath(new URL('../../bin/kindred-batch.mjs', import.meta.url));
export const QUEUE = 'trainings';
export const DEFINITION = 'training';
export const IMPORT_DEFINITION = 'import';
const STATUSES = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const;

/** What the job definitions of the stacks run; the test of the templates holds it against them. */
export function trainingCommand(registry: string): string[] {
  return ['train', '--resume', 'Ref::job', '--registry', registry, '--json'];
}

/** What starts the containers of jobs. */
export interface ContainerEngine {
  /** What DOCKER_HOST has to be. */
  readonly host: string;
  readonly image: string;
  stop(): Promise<void>;
}

/** What the job definition of imports runs there. */
export function importCommand(registry: string): string[] {
  return [
    'gallery',
    'import',
    '--resume',
    'Ref::job',
    '--step',
    'Ref::step',
    '--registry',
    registry,
    '--json',
  ];
}

export class BatchEmulator {
  /** Those that are processes. */
  readonly containers: readonly Container[];
  /** What lets a process reach it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly client: BatchClient;
  readonly #engine: ContainerEngine;
  readonly #moto: Emulator;

  private constructor(engine: ContainerEngine, moto: Emulator, containers: readonly Container[]) {
    this.#engine = engine;
    this.#moto = moto;
    this.containers = containers;
    this.environment = moto.environment;
    this.client = new BatchClient({
      endpoint: String(moto.environment['AWS_ENDPOINT_URL']),
      region: REGION,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'a secret of the tests' },
    });
  }

  /** On processes that run this checkout. */
  static async start(): Promise<BatchEmulator> {
    const workplace = new Workplace();
    const engine = await startProcessEngine({
      entry: [process.execPath, ENTRY],
      environment: { ...process.env, KINDRED_CACHE: workplace.in('cache'), TMPDIR: workplace.in('tmp') },
    });
    const stop = async (): Promise<void> => {
      await engine.stop();
      workplace.close();
    };
    return BatchEmulator.on({ host: engine.host, image: 'localhost/training', stop }, engine.containers);
  }

  /** On an engine, which is stopped with it. */
  static async on(engine: ContainerEngine, containers: readonly Container[] = []): Promise<BatchEmulator> {
    try {
      return new BatchEmulator(engine, await startMoto(engine.host), containers);
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /**
   * A queue, and the job definitions for it.
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
    await this.#define(DEFINITION, trainingCommand(registry), environment);
    await this.#define(IMPORT_DEFINITION, importCommand(registry), environment);
  }

  async #define(
    jobDefinitionName: string,
    command: string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.client.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName,
        type: 'container',
        containerProperties: {
          image: this.#engine.image,
          command,
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          resourceRequirements: [
            { type: 'VCPU', value: '4' },
            { type: 'MEMORY', value: '14000' },
          ],
        },
      }),
    );
  }

  get port(): number {
    return this.#moto.port;
  }

  /**
   * How many there were. Batch lists one state at a time, while jobs go on: asked in the order of the states, each is seen at least once, and
   * by its id counted once.
   */
  async jobs(): Promise<number> {
    const ids = new Set<string | undefined>();
    for (const jobStatus of STATUSES) {
      const { jobSummaryList = [] } = await this.client.send(
        new ListJobsCommand({ jobQueue: QUEUE, jobStatus }),
      );
      for (const { jobId } of jobSummaryList) ids.add(jobId);
    }
    return ids.size;
  }

  async close(): Promise<void> {
    this.client.destroy();
    await this.#moto.stop();
    await this.#engine.stop();
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
