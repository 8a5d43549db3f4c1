/** AWS on this machine: emulators in Python, which take what the AWS SDK sends. */
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

/** moto: Batch runs its containers on `dockerHost`. */
export async function startMoto(dockerHost: string): Promise<Emulator> {
  const program = 'from moto.server import main; main()';
  return start(program, (port) => ['-H', '127.0.0.1', '-p', String(port)], {
    DOCKER_HOST: dockerHost,
    MOTO_DOCKER_NETWORK_MODE: 'host',
  });
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
