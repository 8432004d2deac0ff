import { describe, expect, it } from '@jest/globals';
import {
  acceptedBy,
  reluctantlyAcceptedBy,
  CONTENT_TYPES,
  CONVERSIONS,
  TOOLSETS,
  type ContentType,
  type Subformat,
  type Toolset,
} from '#libs/contracts';
import { conversionOf, lastConversion, planConversion, recipeAfter, type Plan, type VariantInHand } from './conversion-plan.js';

const ALL: ReadonlySet<Toolset> = new Set(TOOLSETS);

/** `disk-raw`, or with its subformat `disk-vmdk streamOptimized`. The first is the original. */
function variantsOf(...names: string[]): [VariantInHand, ...VariantInHand[]] {
  const [original, ...derived] = names.map((name, index) => {
    const [contentType, subformat = null] = name.split(' ') as [ContentType, Subformat?];
    return { digest: name, contentType, subformat, recipe: index === 0 ? null : `to-${name}` };
  });
  return [original!, ...derived];
}

function inWords(plan: Plan<VariantInHand>): string {
  if ('variant' in plan) return plan.variant.digest;
  if ('reason' in plan) return plan.missing.length > 0 ? `needs ${plan.missing.join()}` : 'no way';
  const steps = plan.steps.map(({ to, subformat }) => (subformat ? `${to} ${subformat}` : to));
  return [plan.from.digest, ...steps].join(' → ');
}

describe('the plan of a conversion', () => {
  it.each<[environment: string, variants: string[], plan: string]>([
    ['openstack', ['disk-qcow2'], 'disk-qcow2'],
    ['openstack', ['disk-raw'], 'disk-raw'],
    ['openstack', ['disk-vmdk'], 'disk-vmdk → disk-qcow2'],
    ['openstack', ['disk-vmdk streamOptimized'], 'disk-vmdk streamOptimized → disk-qcow2'],
    ['openstack', ['disk-vdi'], 'disk-vdi → disk-qcow2'],
    ['openstack', ['disk-vhd'], 'disk-vhd → disk-qcow2'],
    ['openstack', ['disk-vhdx'], 'disk-vhdx → disk-qcow2'],
    ['openstack', ['docker-image'], 'docker-image → disk-qcow2'],
    ['openstack', ['docker-file'], 'no way'],
    ['openstack', ['packerfile'], 'no way'],
    ['bwlehrpool', ['disk-vmdk'], 'disk-vmdk'],
    ['bwlehrpool', ['disk-raw'], 'disk-raw → disk-qcow2'],
    ['bwlehrpool', ['docker-image'], 'docker-image → disk-qcow2'],
    ['docker', ['docker-image'], 'docker-image'],
    ['docker', ['docker-file'], 'docker-file'],
    ['docker', ['disk-raw'], 'disk-raw → docker-image'],
    ['docker', ['disk-vhdx'], 'disk-vhdx → docker-image'],
    ['docker', ['packerfile'], 'no way'],
    // What fits goes as it is, whatever else was made of it.
    ['openstack', ['disk-raw', 'disk-qcow2'], 'disk-raw'],
    ['bwlehrpool', ['disk-vmdk', 'disk-qcow2'], 'disk-vmdk'],
    // What is there costs nothing, and of several the best accepted is taken.
    ['openstack', ['disk-vdi', 'disk-qcow2'], 'disk-qcow2'],
    ['openstack', ['disk-vdi', 'disk-vmdk', 'disk-raw'], 'disk-raw'],
    ['docker', ['disk-raw', 'docker-image'], 'docker-image'],
    // A VMDK that streams is not what was meant, unless it is the original.
    ['bwlehrpool', ['disk-raw', 'disk-vmdk streamOptimized'], 'disk-raw → disk-qcow2'],
  ])('for %s from %j: %s', (environment, variants, plan) => {
    const taken = { accepts: acceptedBy(environment), reluctantly: reluctantlyAcceptedBy(environment) };
    const request = { variants: variantsOf(...variants), ...taken, subformat: null, toolsets: ALL };
    expect(inWords(planConversion(request))).toBe(plan);
  });

  it.each<[wish: string, variants: string[], plan: string]>([
    ['disk-vmdk', ['docker-image'], 'docker-image → disk-qcow2 → disk-vmdk'],
    ['disk-vmdk', ['docker-image', 'disk-qcow2'], 'disk-qcow2 → disk-vmdk'],
    ['disk-raw', ['docker-image'], 'docker-image → disk-qcow2 → disk-raw'],
    ['docker-image', ['docker-image', 'disk-qcow2'], 'docker-image'],
    ['disk-vdi', ['disk-raw'], 'no way'],
    ['disk-vdi', ['disk-vdi'], 'disk-vdi'],
    ['disk-vmdk streamOptimized', ['disk-raw'], 'disk-raw → disk-vmdk streamOptimized'],
    ['disk-vmdk streamOptimized', ['disk-vmdk'], 'disk-vmdk → disk-vmdk streamOptimized'],
    ['disk-vmdk streamOptimized', ['disk-vmdk streamOptimized'], 'disk-vmdk streamOptimized'],
    ['disk-vmdk streamOptimized', ['disk-raw', 'disk-vmdk streamOptimized'], 'disk-vmdk streamOptimized'],
    ['disk-vmdk streamOptimized', ['docker-image'], 'docker-image → disk-qcow2 → disk-vmdk streamOptimized'],
    ['disk-vmdk monolithicSparse', ['disk-vmdk'], 'disk-vmdk'],
    ['disk-vmdk monolithicSparse', ['disk-vmdk streamOptimized'], 'disk-vmdk streamOptimized → disk-qcow2 → disk-vmdk'],
  ])('to %s from %j: %s', (wish, variants, plan) => {
    const [contentType, subformat = null] = wish.split(' ') as [ContentType, Subformat?];
    const request = { variants: variantsOf(...variants), accepts: [contentType], subformat, toolsets: ALL };
    expect(inWords(planConversion(request))).toBe(plan);
  });

  it.each<[toolsets: Toolset[], variants: string[], accepts: ContentType[], plan: string]>([
    [[], ['disk-raw'], ['disk-qcow2'], 'needs qemu-img'],
    [[], ['docker-image'], ['disk-vmdk'], 'needs container-disk,qemu-img'],
    [['container-disk'], ['docker-image'], ['disk-vmdk'], 'needs qemu-img'],
    [['container-disk'], ['docker-image'], ['disk-vmdk', 'disk-qcow2'], 'docker-image → disk-qcow2'],
    [[], ['disk-raw'], ['docker-image'], 'disk-raw → docker-image'],
    [[], ['packerfile'], ['disk-raw'], 'no way'],
    // A disk does not become one again by way of a container.
    [['container-disk'], ['disk-raw'], ['disk-qcow2'], 'needs qemu-img'],
    [['container-disk'], ['disk-raw', 'docker-image'], ['disk-qcow2'], 'needs qemu-img'],
  ])('with %j from %j to %j: %s', (toolsets, variants, accepts, plan) => {
    const request = { variants: variantsOf(...variants), accepts, subformat: null, toolsets: new Set(toolsets) };
    expect(inWords(planConversion(request))).toBe(plan);
  });

  const toQcow2 = 'docker-image-to-disk-qcow2/1';
  const toVmdk = `${toQcow2}+disk-qcow2-to-disk-vmdk/1`;
  const toRaw = `${toVmdk}+disk-vmdk-to-disk-raw/1`;
  it.each<[wish: ContentType, recipes: string[], plan: string]>([
    ['disk-qcow2', [toVmdk], 'docker-image → disk-qcow2'],
    ['disk-qcow2', [toVmdk, toRaw], 'docker-image → disk-qcow2'],
    ['disk-raw', [toVmdk], `${toVmdk} → disk-raw`],
    ['disk-vmdk', [toRaw], 'docker-image → disk-qcow2 → disk-vmdk'],
    ['disk-vmdk', [toQcow2, toRaw], `${toQcow2} → disk-vmdk`],
    // As another release made it: where that has been is not known.
    [
      'disk-qcow2',
      ['of-another-release/7+disk-qcow2-to-disk-vmdk/1'],
      'of-another-release/7+disk-qcow2-to-disk-vmdk/1 → disk-qcow2',
    ],
  ])('to %s from a docker-image and what was made by %j, never back to where that has been: %s', (wish, recipes, plan) => {
    const [original] = variantsOf('docker-image');
    const derived = recipes.map((recipe) => ({
      ...{ digest: recipe, recipe, subformat: null },
      contentType: lastConversion(recipe)!.to,
    }));
    const request = { variants: [original, ...derived] as const, accepts: [wish], subformat: null, toolsets: ALL };
    expect(inWords(planConversion(request))).toBe(plan);
  });

  it('visits no place twice, whatever was made before: recipes do not grow for ever', () => {
    const originals = ['docker-image', 'disk-vdi', 'disk-vmdk', 'disk-vmdk streamOptimized', 'disk-raw'];
    for (const [original] of originals.map((name) => variantsOf(name))) {
      const recipes: (string | null)[] = [null];
      for (const recipe of recipes) {
        const last = recipe === null ? undefined : lastConversion(recipe);
        const from = last ? { ...last, contentType: last.to, subformat: last.subformat ?? null } : original;
        for (const accepted of CONTENT_TYPES) {
          const variants = [
            original,
            { digest: 'kept', contentType: from.contentType, subformat: from.subformat, recipe },
          ] as const;
          const plan = planConversion({ variants, accepts: [accepted], subformat: null, toolsets: ALL });
          if (!('steps' in plan)) continue;
          const made = recipeAfter(plan.from.recipe, plan.steps[0]);
          if (!recipes.includes(made)) recipes.push(made);
        }
      }
      for (const recipe of recipes.filter((one) => one !== null)) {
        const ends = recipe.split('+').map((one) => one.replace(/^.*-to-|\/.*$/g, ''));
        expect(new Set(ends).size).toBe(ends.length);
      }
    }
  });

  it('takes what is accepted best where ways cost the same', () => {
    const costs = new Map(
      CONVERSIONS.filter(({ from, subformat }) => from === 'disk-vdi' && !subformat).map(({ to, cost }) => [to, cost]),
    );
    const cheapest = Math.min(...costs.values());
    for (const accepts of [CONTENT_TYPES, CONTENT_TYPES.toReversed()]) {
      const possible = accepts.filter((to) => to !== 'disk-vdi');
      const plan = planConversion({ variants: variantsOf('disk-vdi'), accepts: possible, subformat: null, toolsets: ALL });
      expect(inWords(plan)).toBe(`disk-vdi → ${possible.find((to) => costs.get(to) === cheapest)}`);
    }
  });

  it('ends at what is taken reluctantly only where there is no way to anything else', () => {
    const openstack = { accepts: acceptedBy('openstack'), reluctantly: reluctantlyAcceptedBy('openstack'), subformat: null };
    const planned = (name: string, toolsets: Toolset[]) =>
      inWords(planConversion({ ...openstack, variants: variantsOf(name), toolsets: new Set(toolsets) }));
    expect(planned('disk-vmdk', [])).toBe('disk-vmdk');
    expect(planned('disk-vmdk', ['qemu-img'])).toBe('disk-vmdk → disk-qcow2');
    expect(planned('disk-vdi', [])).toBe('needs qemu-img');
  });

  it('says what leads nowhere', () => {
    const plan = planConversion({
      variants: variantsOf('packerfile'),
      accepts: ['disk-qcow2', 'disk-raw'],
      subformat: null,
      toolsets: ALL,
    });
    expect(plan).toEqual({ reason: 'there is no way from packerfile to disk-qcow2 or disk-raw', missing: [] });
  });
});

describe('recipes', () => {
  const toDisk = conversionOf('docker-image-to-disk-qcow2/1')!;
  const toStream = conversionOf('disk-qcow2-to-disk-vmdk-streamOptimized/1')!;

  it('tell all conversions since the original', () => {
    expect(recipeAfter(null, toDisk)).toBe('docker-image-to-disk-qcow2/1');
    expect(recipeAfter(recipeAfter(null, toDisk), toStream)).toBe(
      'docker-image-to-disk-qcow2/1+disk-qcow2-to-disk-vmdk-streamOptimized/1',
    );
  });

  it('tell the last one', () => {
    expect(lastConversion(recipeAfter(recipeAfter(null, toDisk), toStream))).toBe(toStream);
    expect(lastConversion('of-another-release/7')).toBeUndefined();
  });
});
