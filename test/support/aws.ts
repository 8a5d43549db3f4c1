/** AWS on this machine: emulators in Python, which take what the AWS SDK sends. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runPython } from './python.ts';
import { startServer } from './s3-server.ts';

export const REGION = 'us-east-1';
export const ACCOUNT = '123456789012';

export interface Emulator {
  readonly port: number;
  /** What lets a process reach it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** moto. @param dockerHost what Batch runs its containers on; without one it runs none */
export async function startMoto(dockerHost = ''): Promise<Emulator> {
  const program = 'from moto.server import main; main()';
  return start(program, (port) => ['-H', '127.0.0.1', '-p', String(port)], {
    DOCKER_HOST: dockerHost,
    MOTO_DOCKER_NETWORK_MODE: 'host',
  });
}

/**
 * ministack: CloudFormation, and S3, EventBridge, SQS, Lambda and API Gateway that work together; functions are processes of Node's.
 * @param environment what its functions have in theirs beside their own
 */
export async function startMinistack(environment: Readonly<Record<string, string>>): Promise<Emulator> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-ministack-'));
  const program = `import os, sys
os.environ["GATEWAY_PORT"] = sys.argv[1]
os.environ["AWS_ENDPOINT_URL"] = os.environ["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:" + sys.argv[1]
from ministack.app import main
sys.argv[1:] = []
main()`;
  const started = await start(program, (port) => [String(port)], {
    ...environment,
    BIND_HOST: '127.0.0.1',
    IOT_MTLS_ENABLED: '0',
    MINISTACK_ACCOUNT_ID: ACCOUNT,
    TMPDIR: folder,
  });
  return {
    ...started,
    async stop() {
      await started.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(
  program: string,
  argsOf: (port: number) => readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Emulator> {
  const python = (await runPython('import sys; print(sys.executable)', [], 'aws')).trim();
  const { port, stop } = await startServer(
    python,
    (free) => ['-I', '-c', program, ...argsOf(free)],
    environment,
  );
  return {
    port,
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: ACCOUNT,
      AWS_SECRET_ACCESS_KEY: 'a secret of the tests',
      AWS_REGION: REGION,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    stop,
  };
}
