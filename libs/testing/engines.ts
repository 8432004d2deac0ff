import { existsSync } from 'node:fs';
import { dockerApi, runContainer, type DockerRequest } from './docker-api.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

/** 20 = 20.10, 26 = 26.1, 26c = 26.1 with the containerd image store */
export type EngineVersion = '20' | '26' | '26c';

/** A Docker Engine for a test, mostly of its own. */
export interface TestEngine extends AsyncDisposable {
  version: EngineVersion;
  /** Path of its socket. */
  socket: string;
  /** `unix:///…`: what a user would give as `credentials.location`. */
  location: string;
  /** One request to its API, as `api('GET', '/images/json')`; returns the body as text. */
  api(method: string, path: string, request?: DockerRequest): Promise<string>;
  /** Runs a container of the image to its end. */
  run(image: string, command?: string[]): Promise<{ exitCode: number; output: string }>;
  /** All tags of all images, sorted. */
  tags(): Promise<string[]>;
  /** The id that this engine gives to the image, or null where there is none. */
  imageId(reference: string): Promise<string | null>;
  /** Ends it in good order; `start` brings it back with its images. */
  halt(): Promise<void>;
  /** Ends it by SIGKILL; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes what it held. */
  stop(): Promise<void>;
}

/** The socket of an engine that the developer lends to the tests by `TEST_DOCKER_20`, `TEST_DOCKER_26` or `TEST_DOCKER_26C`, or null. */
export async function engineOfOthers(version: EngineVersion): Promise<string | null> {
  const variable = `TEST_DOCKER_${version.toUpperCase()}`;
  const socket = process.env[variable];
  if (socket === undefined) return null;
  if (!existsSync(socket)) throw new Error(`${variable} names ${socket}, which does not exist`);
  await dockerApi(socket, 'GET', '/_ping');
  return socket;
}

interface EngineOptions {
  /** Whether its containers may be in networks, where they reach each other by name and are reached by published ports. */
  networks?: boolean;
}

/**
 * Starts an engine (1 s; the very first one downloads its packages).
 * @param listen more addresses for it to listen at, as `tcp://127.0.0.1:23751`
 */
export async function startEngine(
  version: EngineVersion,
  listen: readonly string[] = [],
  { networks = false }: EngineOptions = {},
): Promise<TestEngine> {
  const lent = await engineOfOthers(version);
  if (lent !== null) return lentEngine(version, lent);
  const dir = shortTempPath();
  const script = async (...args: string[]) =>
    void (await runScript('docker-engine.sh', args, {
      DOCKERD_ARGS: listen.map((address) => `-H ${address}`).join(' '),
      ...(networks && { NETWORKS: '1' }),
    }));
  const start = () => script('start', dir, version);
  const stop = () => script('stop', dir);
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...speakTo(version, `${dir}/docker.sock`),
    halt: () => script('stop-keep', dir),
    kill: () => script('kill', dir),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function lentEngine(version: EngineVersion, socket: string): TestEngine {
  const refuse = () => Promise.reject(new Error(`the engine at ${socket} is lent: a test must not stop it`));
  const leave = () => Promise.resolve();
  return { ...speakTo(version, socket), halt: refuse, kill: refuse, start: leave, stop: leave, [Symbol.asyncDispose]: leave };
}

function speakTo(version: EngineVersion, socket: string) {
  const api = (method: string, path: string, request?: DockerRequest) => dockerApi(socket, method, path, request);
  return {
    version,
    socket,
    location: `unix://${socket}`,
    api,
    run: (image: string, command?: string[]) => runContainer(socket, image, command),
    async tags() {
      const images = JSON.parse(await api('GET', '/images/json')) as { RepoTags: string[] | null }[];
      return images.flatMap((image) => image.RepoTags ?? []).sort();
    },
    async imageId(reference: string) {
      const images = JSON.parse(
        await api('GET', '/images/json', { query: { filters: JSON.stringify({ reference: [reference] }) } }),
      ) as { Id: string }[];
      return images[0]?.Id ?? null;
    },
  };
}
