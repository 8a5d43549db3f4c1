/** Sessions of ONNX Runtime, each in a thread of its own, so that a process goes on with other things while one computes. */
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CorruptDataError, EngineFailedError } from '../errors.ts';

/** Bytes that go in. */
export interface Feed {
  readonly data: Uint8Array;
  readonly shape: readonly number[];
  /** What the model takes; the thread makes it of the bytes. @default float32 */
  readonly type?: 'float32' | 'uint8';
}

/** An input or output of a model, as ONNX Runtime says it. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

export interface OnnxSession {
  /** ONNX Runtime's version. */
  readonly runtime: string;
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  /**
   * Computes one output; calls are answered one after the other. The arrays are given away: they are empty afterwards.
   * @throws EngineFailedError when the thread has ended, or ONNX Runtime cannot compute
   */
  run(feeds: Readonly<Record<string, Feed>>, output: string): Promise<Float32Array | Int32Array>;
  /** What is under way still ends well; then the memory is given back. */
  close(): void;
}

/** A file of weights that the model names: its path, or its bytes, which may be shared memory. */
export interface ExternalWeights {
  /** As the model names it; a path ends with it. */
  readonly name: string;
  readonly file: Uint8Array | string;
}

export interface SessionOptions {
  /** @default the model has all its weights */
  readonly shared?: ExternalWeights | undefined;
  /** Where it is opened. @default a thread that is started now */
  readonly thread?: OnnxThread | undefined;
  /** The model's bytes are given away, which saves a copy; they are empty afterwards. @default false */
  readonly given?: boolean;
  /** What the model is called in errors. */
  readonly what: string;
  /** How many compute. @default as many as there are cores */
  readonly threads?: number | undefined;
}

interface Opened {
  readonly runtime: string;
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
}

type Said =
  | { readonly opened: Opened }
  | { readonly refused: { readonly message: string; readonly code?: string } }
  | { readonly id: number; readonly data: Float32Array | Int32Array }
  | { readonly id: number; readonly failed: string };

const OPTIONS = {
  graphOptimizationLevel: 'all',
  // Threads that wait by spinning take the cores from the decoding of the next pictures.
  extra: { session: { intra_op: { allow_spinning: '0' } } },
} as const;

/** A thread that has ONNX Runtime loaded, or is about to. */
export type OnnxThread = Worker;

/** Starts one, which takes a while that can be used. Open a model in it, or end it with `endOnnxThread`. */
export function startOnnxThread(): OnnxThread {
  const worker = new Worker(new URL('onnx-thread.mjs', import.meta.url), {
    // What loads this program's TypeScript is not needed there.
    execArgv: [],
    name: 'onnxruntime',
  });
  // Whoever opens a model in it is told.
  worker.on('error', () => undefined);
  return worker;
}

/** Ends a thread in which nothing was opened. */
export function endOnnxThread(thread: OnnxThread): void {
  thread.postMessage('close', []);
}

/**
 * Opens a model in a thread. Close it after use; an idle one keeps no process from ending.
 * @param model its bytes, or the path of its file
 * @throws CorruptDataError when ONNX Runtime does not take it
 */
export async function openOnnx(
  model: Uint8Array | string,
  {
    what,
    given = false,
    shared,
    threads = availableParallelism(),
    thread: worker = startOnnxThread(),
  }: SessionOptions,
): Promise<OnnxSession> {
  const isWhole = typeof model !== 'string' && model.byteLength === model.buffer.byteLength;
  return new Promise((resolve, reject) => {
    let session: ThreadSession | null = null;
    worker.on('message', (said: Said) => {
      if ('opened' in said) resolve((session = new ThreadSession(worker, said.opened)));
      else if ('refused' in said) reject(refusal(said.refused, what));
      else session?.take(said);
    });
    const ended = (why: string, cause?: unknown): void => {
      const error = failed(`The thread that ONNX Runtime computes in ended: ${why}.`, cause);
      session?.end(error);
      reject(error);
    };
    worker.on('messageerror', (cause) => ended(cause.message, cause));
    worker.on('error', (cause) => ended(cause instanceof Error ? cause.message : String(cause), cause));
    worker.on('exit', (code) => ended(`exit status ${code}`));
    if (worker.threadId < 0) ended('it was over before the model was opened');
    const options = { ...OPTIONS, ...externalOptions(shared), intraOpNumThreads: threads };
    worker.postMessage({ model, options }, given && isWhole ? [model.buffer as ArrayBuffer] : []);
  });
}

/** From a path, the system maps the file into memory, once for all sessions. */
function externalOptions(shared: ExternalWeights | undefined) {
  if (shared === undefined) return {};
  const { name, file } = shared;
  if (typeof file !== 'string') return { externalData: [{ path: name, data: file }] };
  const session = { ...OPTIONS.extra.session, model_external_initializers_file_folder_path: dirname(file) };
  return { extra: { session } };
}

interface Pending {
  readonly resolve: (data: Float32Array | Int32Array) => void;
  readonly reject: (error: Error) => void;
}

class ThreadSession implements OnnxSession {
  readonly runtime: string;
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #asked = 0;
  #ended: Error | null = null;

  constructor(worker: Worker, { runtime, inputs, outputs }: Opened) {
    [this.runtime, this.inputs, this.outputs] = [runtime, inputs, outputs];
    this.#worker = worker;
    worker.unref();
  }

  run(feeds: Readonly<Record<string, Feed>>, output: string): Promise<Float32Array | Int32Array> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(id, { resolve, reject });
      const given = Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer);
      this.#worker.postMessage({ id, feeds, output }, given);
    });
  }

  close(): void {
    // In the thread, this waits for its turn.
    this.#worker.postMessage('close', []);
  }

  take(said: Exclude<Said, { opened: unknown } | { refused: unknown }>): void {
    const pending = this.#pending.get(said.id);
    this.#pending.delete(said.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('data' in said) pending?.resolve(said.data);
    else pending?.reject(failed(`ONNX Runtime could not compute: ${said.failed}`));
  }

  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function failed(message: string, cause?: unknown): EngineFailedError {
  return new EngineFailedError(`${message} Open the version again.`, { cause });
}

/** A library that does not load stays the error that it is: the command line knows what to say then. */
function refusal({ message, code }: { message: string; code?: string }, what: string): Error {
  if (code !== undefined && /NOT_FOUND|DLOPEN/.test(code)) return Object.assign(new Error(message), { code });
  return new CorruptDataError(`${what} cannot be loaded by ONNX Runtime: ${message}`);
}
