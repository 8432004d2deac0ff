import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { Metrics } from '#libs/observability';
import { OperationCounter } from './counted-session.js';
import { isPreparing, isResumable, type EnvironmentSession, type RemoteImage } from './environment-provider.js';

const image = { reference: 'busybox' } as RemoteImage;
const breaking = (error: Error) =>
  Readable.from(
    (async function* () {
      yield Buffer.from('half');
      throw error;
    })(),
  );

describe('a session that is counted', () => {
  let metrics: Metrics;
  let job: AbortController;
  beforeEach(() => {
    metrics = new Metrics('test');
    job = new AbortController();
  });

  const counted = (session: object) =>
    new OperationCounter(metrics, ' Docker', job.signal).session(session as EnvironmentSession);
  const lines = async () => (await metrics.text()).split('\n').filter((line) => /^vice_provider/.test(line));
  const began = (operation: string) => `vice_provider_operations_total{software="docker",operation="${operation}"} 1`;
  const failed = (operation: string, code: string) =>
    `vice_provider_errors_total{software="docker",operation="${operation}",code="${code}"} 1`;

  test('answers as it would by itself, with its own this', async () => {
    class Session {
      #name = 'busybox';
      describe = async (reference: string) => ({ reference, name: this.#name });
      needsPreparation(reference: string) {
        return reference === this.#name;
      }
    }
    const session = counted(new Session());
    expect(await session.describe('x')).toEqual({ reference: 'x', name: 'busybox' });
    expect((session as unknown as Session).needsPreparation('busybox')).toBe(true);
    expect([isResumable(session), isPreparing(session)]).toEqual([false, false]);
    expect(await lines()).toEqual([began('describe')]);
  });

  test('counts an operation that fails, by its code, and raises what it raised', async () => {
    const error = new ViceError('ENVIRONMENT_BUSY', 'later');
    const session = counted({ list: () => Promise.reject(error), check: () => Promise.reject(new Error('a fault of ours')) });
    await expect(session.list()).rejects.toBe(error);
    await expect(session.check()).rejects.toThrow('a fault of ours');
    expect(await lines()).toEqual([
      ...[began('list'), began('check')],
      ...[failed('list', 'ENVIRONMENT_BUSY'), failed('check', 'INTERNAL')],
    ]);
  });

  test.each<[string, Error, string[]]>([
    [
      'an environment that breaks off',
      new ViceError('ENVIRONMENT_UNREACHABLE', 'gone'),
      [failed('read', 'ENVIRONMENT_UNREACHABLE')],
    ],
    ['a reader that breaks off', new Error('premature close'), []],
    ['a full store of ours', new ViceError('STORAGE_FULL', 'full'), []],
  ])('counts the end of a stream: %s', async (_, error, errors) => {
    const stream = await counted({ read: async () => breaking(error) }).read(image);
    await expect(finished(stream.resume())).rejects.toBe(error);
    expect(await lines()).toEqual([began('read'), ...errors]);
  });

  test('counts no error of a job that was told to stop', async () => {
    const session = counted({ list: () => Promise.reject(new ViceError('ENVIRONMENT_FAILED', 'aborted')) });
    job.abort(new ViceError('JOB_CANCELLED', 'cancelled'));
    await expect(session.list()).rejects.toThrow('aborted');
    expect(await lines()).toEqual([began('list')]);
  });

  test('counts an environment that was silent until time was over', async () => {
    const session = counted({ check: () => Promise.reject(new DOMException('aborted', 'AbortError')) });
    job.abort(new DOMException('timeout', 'TimeoutError'));
    await expect(session.check()).rejects.toThrow('aborted');
    expect(await lines()).toEqual([began('check'), failed('check', 'ENVIRONMENT_UNREACHABLE')]);
  });
});
