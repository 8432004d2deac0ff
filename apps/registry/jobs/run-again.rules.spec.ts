import { describe, expect, it } from '@jest/globals';
import { runAgain, type FailedJob, type RunAgain } from './run-again.rules.js';

const job = (action: string, more: Partial<FailedJob>): FailedJob => ({
  ...{
    action,
    state: 'failed',
    image: null,
    deployment: null,
    environment: null,
    blob: null,
    rival: null,
    takesDeployment: false,
  },
  ...more,
});
const importing = (more: Partial<FailedJob> = {}) => job('import', { image: 'awaits', environment: 'there', ...more });
const disposing = (more: Partial<FailedJob> = {}) => job('dispose', { environment: 'there', ...more });
const inspecting = (more: Partial<FailedJob> = {}) => job('inspect', { image: 'awaits', blob: 'there', ...more });
const downloading = (more: Partial<FailedJob> = {}) => job('convert', { image: 'awaits', blob: 'there', ...more });
const converting = (more: Partial<FailedJob> = {}) => job('convert', { deployment: 'failed', blob: 'there', ...more });
const deploying = (more: Partial<FailedJob> = {}) =>
  job('deploy', { deployment: 'failed', environment: 'there', blob: 'there', ...more });
const removing = (more: Partial<FailedJob> = {}) => job('remove', { deployment: 'failed', environment: 'there', ...more });
const rival = (action: string, state: 'queued' | 'running' = 'running') => ({ id: '42', action, state });

describe('a failed job is run again, and what it is for goes with it', () => {
  it.each<[string, FailedJob, RunAgain]>([
    ['an import', importing(), { image: 'importing' }],
    ['an inspection', inspecting(), { image: 'importing' }],
    ['an inspection that no image waits for', inspecting({ image: null }), {}],
    ['a disposal', disposing(), {}],
    ['a conversion for a download', downloading(), {}],
    ['a conversion of a deployment', converting(), { deployment: 'converting' }],
    ['a deployment', deploying(), { deployment: 'exporting' }],
    ['the removal of a deployment', removing({ takesDeployment: true }), { deployment: 'removing' }],
    ['the removal of what a failed deployment left', removing(), { deployment: 'failed' }],
    ['a collection of garbage', job('collect', {}), {}],
  ])('%s', (_, failed, expected) => expect(runAgain(failed)).toEqual(expected));
});

describe('a job is not run again, and says why', () => {
  it.each(['queued', 'running', 'succeeded', 'cancelled'] as const)('that is %s', (state) =>
    expect(runAgain(importing({ state }))).toEqual({ refused: `it is ${state}, and only one that failed is` }),
  );

  it.each<[string, FailedJob, RegExp]>([
    ['whose image is gone', importing({ image: 'gone' }), /image does not exist any more/],
    ['whose image was imported anew', importing({ image: 'has-newer' }), /anew since/],
    ['whose image was uploaded anew', inspecting({ image: 'has-newer' }), /anew since/],
    ['whose image has other content', downloading({ image: 'has-newer' }), /ask for the download again/],
    ['whose environment is gone', importing({ environment: 'gone' }), /environment does not exist any more/],
    ['whose bytes were collected', inspecting({ blob: 'gone' }), /upload the image again, or .* PUT \/v1\/images/],
    ['whose source was collected', converting({ blob: 'gone' }), /deploy the image, again/],
    ['whose variant was collected', deploying({ blob: 'gone' }), /delete the deployment, and deploy the image again/],
    ['whose deployment is gone', deploying({ deployment: 'gone' }), /deployment does not exist any more/],
    ['whose deployment is being deleted', deploying({ deployment: 'removing', rival: rival('remove') }), /being deleted/],
    ['whose deployment stands', removing({ deployment: 'deployed' }), /stands by now/],
    [
      'whose remains are to be removed',
      deploying({ rival: rival('remove', 'queued') }),
      /removed by job 42 \(remove\), which is queued: try again when that has ended/,
    ],
    ['whose remains are being removed', deploying({ rival: rival('remove') }), /which is running: try again when that has ended/],
    ['whose deployment is exported again', removing({ deployment: 'exporting', rival: rival('deploy') }), /by job 42 \(deploy\)/],
    ['whose temporaries are being disposed of', importing({ rival: rival('dispose') }), /disposed of by job 42/],
    ['that would dispose of what an import needs', disposing({ rival: rival('import') }), /needs what it would dispose of/],
    ['that another does already', downloading({ rival: rival('convert') }), /the same is done by job 42/],
    ['beside another collection', job('collect', { rival: rival('collect') }), /the same is done by job 42/],
  ])('%s', (_, failed, why) => expect(runAgain(failed)).toEqual({ refused: expect.stringMatching(why) }));
});
