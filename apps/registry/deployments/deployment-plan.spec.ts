import { describe, expect, it } from '@jest/globals';
import { type Conversion } from '#libs/contracts';
import { conversionOf } from '../conversions/conversion-plan.js';
import { type KeptVariant } from '../conversions/variants.js';
import { planOf, withNextJob } from './deployment-plan.js';

const variant = { contentType: 'disk-raw' } as KeptVariant;
const conversion = (recipe: string): Conversion => conversionOf(recipe)!;

describe('the plan of a deployment', () => {
  it('is its export alone where what there is fits', () => {
    expect(planOf({ variant }, 'first')).toEqual([{ kind: 'export', action: 'deploy', contenttype: 'disk-raw', jobId: 'first' }]);
  });

  it('is its conversions, then the export of what the last one makes; each gets its job after the one before', () => {
    const steps = [conversion('docker-image-to-disk-qcow2/1'), conversion('disk-qcow2-to-disk-vmdk-streamOptimized/1')];
    const plan = planOf({ from: variant, steps: steps as [Conversion, ...Conversion[]] }, 'first');
    const made = { kind: 'store', action: 'convert', from: 'docker-image', to: 'disk-qcow2', recipe: steps[0]!.recipe };
    const written = {
      ...{ kind: 'store', action: 'convert', from: 'disk-qcow2', to: 'disk-vmdk', subformat: 'streamOptimized' },
      recipe: steps[1]!.recipe,
    };
    const exported = { kind: 'export', action: 'deploy', contenttype: 'disk-vmdk' };
    expect(plan).toEqual([
      { ...made, jobId: 'first' },
      { ...written, jobId: null },
      { ...exported, jobId: null },
    ]);
    const second = withNextJob(plan, 'first', 'second');
    expect(second.map(({ jobId }) => jobId)).toEqual(['first', 'second', null]);
    expect(withNextJob(second, 'second', 'third').map(({ jobId }) => jobId)).toEqual(['first', 'second', 'third']);
  });
});
