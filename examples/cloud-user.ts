/** What a user of the deployed stacks does, through the HTTP API's address. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answered, Deployment, Sent } from '../test/support/deployment.ts';
import { upload } from './pictures.ts';
import type { Picture, Upload } from './pictures.ts';

/** A training as the interface shows it. */
export interface Training {
  readonly id: string;
  readonly state: string;
  readonly waiting: readonly { readonly code: string; readonly message: string }[];
  readonly progress: { readonly progress: unknown } | null;
  readonly result: { readonly version: number; readonly promoted?: boolean } | null;
  readonly error: unknown;
}

export interface Answer {
  readonly version: number;
  readonly class: string;
  /** The nearest picture of each class, nearest class first. */
  readonly neighbours: readonly { readonly class: string; readonly key: string }[];
}

const LOOK_MS = 500;

export class CloudUser {
  readonly #deployment: Deployment;
  /** The data set, and the model that is trained on it. */
  readonly #name: string;

  constructor(deployment: Deployment, name: string) {
    this.#deployment = deployment;
    this.#name = name;
  }

  /** Puts pictures into the bucket, at addresses that the interface gives out. */
  async upload(pictures: readonly Picture[]): Promise<void> {
    await upload(pictures, async (files) => {
      const at = `/v1/datasets/${this.#name}/uploads`;
      const { body } = await this.#ask<{ uploads: Upload[] }>('POST', at, json({ files }));
      return body.uploads;
    });
  }

  /**
   * Asks for a training, twice with the same key as somebody does who did not hear the answer, and waits for its end.
   * @param follow hears of it whenever it is looked at
   * @throws when there are two, or it does not succeed
   */
  async train(
    wanted: object,
    follow: (training: Training) => void = () => undefined,
    key: string = randomUUID(),
  ): Promise<Training> {
    const sent = json({ dataset: this.#name, promote: true, ...wanted }, { 'idempotency-key': key });
    const [first, second] = await Promise.all([
      this.#ask<Training>('POST', '/v1/trainings', sent),
      this.#ask<Training>('POST', '/v1/trainings', sent),
    ]);
    if (first.body.id !== second.body.id) throw new Error('The same key made two trainings.');
    for (;;) {
      const { body } = await this.#ask<Training>('GET', `/v1/trainings/${first.body.id}`);
      follow(body);
      if (body.state === 'succeeded') return body;
      if (body.error !== null || body.state === 'cancelled')
        throw new Error(`The training has not succeeded: ${JSON.stringify(body)}`);
      await sleep(LOOK_MS);
    }
  }

  /** What made a version: library and version of it. */
  async librariesOf(version: number): Promise<Readonly<Record<string, string>>> {
    const at = `/v1/models/${this.#name}/versions/${version}`;
    return (await this.#ask<{ libraries: Record<string, string> }>('GET', at)).body.libraries;
  }

  /** Has a picture classified. */
  async classify({ bytes, type }: Pick<Picture, 'bytes' | 'type'>): Promise<Answer> {
    const at = `/v1/models/${this.#name}/classify?top=20`;
    const sent = { body: bytes, headers: { 'content-type': type } };
    const { body } = await this.#ask<{ version: number; results: [Omit<Answer, 'version'>] }>(
      'POST',
      at,
      sent,
    );
    return { ...body.results[0], version: body.version };
  }

  /** Has the version answer again that did before. */
  async rollBack(): Promise<void> {
    const at = `/v1/models/${this.#name}/aliases/production`;
    const { headers } = await this.#ask('GET', at);
    await this.#ask(
      'PUT',
      at,
      json({ rollback: true, why: 'an example' }, { 'if-match': String(headers.etag) }),
    );
  }

  /** @throws when the answer says no */
  async #ask<T>(method: string, at: string, sent?: Sent): Promise<Answered<T>> {
    const answer = await this.#deployment.ask<T>(method, at, sent);
    if (answer.status >= 300)
      throw new Error(`${method} ${at}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }
}

const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): Sent => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/** Asks again and again. @returns when the answer is yes, or gives up after two minutes */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; !(await isSo()); await sleep(LOOK_MS))
    if (Date.now() > end) throw new Error(`Not so after two minutes: ${what}`);
}
