import { CONVERSIONS, type ContentType, type Conversion, type Digest, type Subformat, type Toolset } from '#libs/contracts';

/** Content that is there. */
export interface VariantInHand {
  digest: Digest;
  contentType: ContentType;
  /** Of a VMDK, where it is known. */
  subformat: Subformat | null;
  /** All conversions since the original; null: this is the original. */
  recipe: string | null;
}

export interface PlanRequest<V extends VariantInHand> {
  /** The original first. */
  variants: readonly [V, ...V[]];
  /** Best first. */
  accepts: readonly ContentType[];
  /** Of these, what is taken only where there is no way to another. */
  reluctantly?: readonly ContentType[];
  /** Only this way to write a VMDK will do; null: any that the original has, else monolithicSparse. */
  subformat: Subformat | null;
  toolsets: ReadonlySet<Toolset>;
}

export type Plan<V> =
  | { variant: V }
  | { from: V; steps: [Conversion, ...Conversion[]] }
  /** `missing`: there would be a way if these were installed. */
  | { reason: string; missing: Toolset[] };

interface Way<V> {
  from: V;
  steps: Conversion[];
  cost: number;
}

/** A way to what is accepted readily; where there is none, to what is accepted at all. */
export function planConversion<V extends VariantInHand>({ reluctantly = [], ...request }: PlanRequest<V>): Plan<V> {
  const readily = request.accepts.filter((contentType) => !reluctantly.includes(contentType));
  const plan = planWay({ ...request, accepts: readily });
  return 'reason' in plan && readily.length < request.accepts.length ? planWay(request) : plan;
}

/**
 * The original, where that is accepted: what fits goes as it is, whatever else was made of it. Else the cheapest way from the content that is
 * there to what is accepted; among ways of the same cost, the one to what is accepted best. What is there costs nothing.
 */
function planWay<V extends VariantInHand>(request: PlanRequest<V>): Plan<V> {
  const [original] = request.variants;
  if (isAccepted(original, request)) return { variant: original };
  const way = cheapestWay(request, (conversion) => conversion.toolset === null || request.toolsets.has(conversion.toolset));
  if (way) return stepsOf(way);
  const reason = `there is no way from ${original.contentType} to ${wishOf(request)}`;
  const withAllTools = cheapestWay(request, () => true);
  const needed = new Set(withAllTools?.steps.map(({ toolset }) => toolset).filter((toolset) => toolset !== null));
  return { reason, missing: [...needed].filter((toolset) => !request.toolsets.has(toolset)) };
}

function cheapestWay<V extends VariantInHand>(
  request: PlanRequest<V>,
  isPossible: (conversion: Conversion) => boolean,
): Way<V> | null {
  const [original] = request.variants;
  const conversions = CONVERSIONS.filter((one) => isPossible(one) && leadsOn(one, original.contentType));
  const ways = request.variants.map((from) => waysFrom(from, placesBefore(from, original), conversions));
  const ends = request.accepts
    .flatMap((contentType) => placesOf(contentType, request.subformat))
    .flatMap((place) => ways.map((from) => from.get(place)))
    .filter((way) => way !== undefined);
  return ends.reduce<Way<V> | null>((best, way) => (best && best.cost <= way.cost ? best : way), null);
}

/** To each place the cheapest. A way is taken over the shortest one known: the table is small, and its costs are positive. */
function waysFrom<V extends VariantInHand>(from: V, before: ReadonlySet<string>, conversions: Conversion[]): Map<string, Way<V>> {
  const ways = new Map<string, Way<V>>([[placeOf(from.contentType, from.subformat), { from, steps: [], cost: 0 }]]);
  for (let better = true; better;) {
    better = false;
    for (const way of [...ways.values()]) {
      for (const next of conversions) {
        if (next.from !== endOf(way)) continue;
        const place = placeOf(next.to, next.subformat ?? null);
        const cost = way.cost + next.cost;
        if (before.has(place) || cost >= (ways.get(place)?.cost ?? Infinity)) continue;
        ways.set(place, { from, steps: [...way.steps, next], cost });
        better = true;
      }
    }
  }
  return ways;
}

/**
 * Where a variant has been since the original. No way leads there again: what it came from, where that went meanwhile, is made anew of what
 * it was made of before, else the lineage would be a circle and recipes would grow for ever.
 */
function placesBefore({ recipe }: VariantInHand, original: VariantInHand): ReadonlySet<string> {
  if (recipe === null) return new Set();
  const conversions = recipe.split('+').map(conversionOf);
  const places = conversions.slice(0, -1).map((one) => one && placeOf(one.to, one.subformat ?? null));
  return new Set([placeOf(original.contentType, original.subformat), ...places.filter((place) => place !== undefined)]);
}

const isAccepted = (
  { contentType, subformat }: VariantInHand,
  { accepts, subformat: wished }: PlanRequest<VariantInHand>,
): boolean => accepts.includes(contentType) && (wished === null || (contentType === 'disk-vmdk' && subformat === wished));

/** The places that a content type is accepted at. */
const placesOf = (contentType: ContentType, wished: Subformat | null): string[] =>
  wished === null || contentType === 'disk-vmdk' ? [placeOf(contentType, wished)] : [];

/** Conversions that lead back lose what the first one could not carry over: the boot loader of a disk, the layers of a container. */
const leadsOn = ({ from, to }: Conversion, original: ContentType): boolean =>
  isDisk(from) === isDisk(to) || isDisk(from) === isDisk(original);

const isDisk = (contentType: ContentType): boolean => contentType.startsWith('disk-');

/** VMDKs are written as monolithicSparse unless something else is asked for. */
const placeOf = (contentType: ContentType, subformat: Subformat | null): string =>
  subformat === 'streamOptimized' ? `${contentType} ${subformat}` : contentType;

const endOf = ({ from, steps }: Way<VariantInHand>): ContentType => steps.at(-1)?.to ?? from.contentType;

function stepsOf<V>({ from, steps: [first, ...more] }: Way<V>): Plan<V> {
  return first ? { from, steps: [first, ...more] } : { variant: from };
}

function wishOf({ accepts, subformat }: PlanRequest<VariantInHand>): string {
  return subformat === null ? accepts.join(' or ') : `disk-vmdk as ${subformat}`;
}

/** How a variant is known: by all conversions since the original. */
export const recipeAfter = (recipe: string | null, step: Conversion): string =>
  recipe === null ? step.recipe : `${recipe}+${step.recipe}`;

/** The table's row of the last conversion in a recipe; undefined where another release made it in a way of its own. */
export const lastConversion = (recipe: string): Conversion | undefined => conversionOf(recipe.split('+').at(-1) ?? '');

export const conversionOf = (recipe: string): Conversion | undefined => CONVERSIONS.find((one) => one.recipe === recipe);
