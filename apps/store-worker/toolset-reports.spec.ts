import { afterEach, describe, expect, it } from '@jest/globals';
import { ToolCalls, type Ask, type WorkerToolsets } from '#libs/contracts';
import { createLogger } from '#libs/observability';
import { until } from '#libs/testing';
import { ToolsetReports, type AvailableToolsets } from './toolset-reports.js';

describe('what a store worker tells of its tools', () => {
  let reports: ToolsetReports;
  /** How many reports came before each withdrawal. */
  let withdrawn: number[];
  afterEach(() => reports.beforeApplicationShutdown());

  function start(available: AvailableToolsets, answer: () => unknown = () => ({})): WorkerToolsets[] {
    const told: WorkerToolsets[] = [];
    withdrawn = [];
    const ask = (async (call, request) => {
      if (call === ToolCalls.withdrawToolsets) withdrawn.push(told.length);
      else told.push(request as unknown as WorkerToolsets);
      return answer();
    }) as Ask;
    reports = new ToolsetReports(ask, 'host/1/a', available, createLogger('test', 'silent'), 5);
    reports.onApplicationBootstrap();
    return told;
  }

  it('is those that are complete, and what the others lack, once each', async () => {
    const told = start(async () => [
      { toolset: 'qemu-img', missing: [] },
      { toolset: 'container-disk', missing: ['mke2fs', 'vmlinuz'] },
    ]);
    await until(() => told.length > 0, { what: 'a report' });
    expect(told[0]).toEqual({ worker: 'host/1/a', toolsets: ['qemu-img'], missing: ['mke2fs', 'vmlinuz'] });
  });

  it('is looked at anew and told again under the same name, also where nobody heard it', async () => {
    let installed = false;
    const told = start(
      async () => [{ toolset: 'qemu-img', missing: installed ? [] : ['qemu-img'] }],
      () => {
        installed = true;
        throw new Error('nobody answers');
      },
    );
    await until(() => told.length > 1, { what: 'two reports' });
    expect(told.map(({ toolsets }) => toolsets).slice(0, 2)).toEqual([[], ['qemu-img']]);
    expect(told[1]?.worker).toBe(told[0]?.worker);
  });

  it('is withdrawn at its end, after what is being told', async () => {
    let found = (): void => undefined;
    const told = start(() => new Promise((resolve) => (found = () => resolve([{ toolset: 'qemu-img', missing: [] }]))));
    const ended = reports.beforeApplicationShutdown();
    found();
    await ended;
    expect([told.length, withdrawn]).toEqual([1, [1]]);
  });

  it('keeps no worker from ending where nobody answers', async () => {
    start(
      async () => [],
      () => new Promise(() => undefined),
    );
    await reports.beforeApplicationShutdown();
  });
});
