import { randomUUID } from 'node:crypto';
import { type EnvironmentInput, type ImageDraft, type ImageInput } from '#libs/contracts';
import { type SecretBox } from '#libs/secrets';
import { invalidInput } from '../bodies/validation.js';
import { environmentDraft } from '../environments/environment-draft.js';

/** What the client wrote, for the registry. What was absent stays absent; an environment described within has its secrets sealed. */
export function imageDraft(input: ImageInput, box: SecretBox): ImageDraft {
  const { title, description, tags, visibility, imagetype, contenttype, environmentReference, specifics } = input;
  const written: ImageDraft = { title, description, tags, visibility, imagetype, contenttype, environmentReference, specifics };
  const present = Object.entries(written).filter(([, value]) => value !== undefined);
  const { originEnvironment } = input;
  return {
    ...(Object.fromEntries(present) as ImageDraft),
    ...(originEnvironment !== undefined && { originEnvironment: originEnvironment && originDraft(originEnvironment, box) }),
  };
}

/** An image that is sent back as it was given names its environment by id: then nothing else of it matters. */
function originDraft(origin: EnvironmentInput, box: SecretBox): ImageDraft['originEnvironment'] {
  const { id } = origin;
  if (typeof id === 'string' && id !== '') return { known: id };
  if (id !== undefined && id !== null && id !== '') {
    throw invalidInput([{ field: 'originEnvironment.id', message: 'must be text' }]);
  }
  return { inline: environmentDraft(origin, randomUUID(), box, 'originEnvironment.') };
}
