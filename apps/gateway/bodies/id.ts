import { Param, type PipeTransform } from '@nestjs/common';
import { ViceError, type ErrorCode } from '#libs/errors';
import { invalidInput } from './validation.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Noun = 'image' | 'environment' | 'deployment' | 'job';

const NOT_FOUND: Readonly<Record<Noun, ErrorCode>> = {
  image: 'IMAGE_NOT_FOUND',
  environment: 'ENVIRONMENT_NOT_FOUND',
  deployment: 'DEPLOYMENT_NOT_FOUND',
  job: 'JOB_NOT_FOUND',
};

/** The id in the path. A malformed one is as unknown as any other that does not exist: 404. */
export const ImageId = (): ParameterDecorator => Param('imageId', new IdPipe('image'));
export const EnvironmentId = (): ParameterDecorator => Param('environmentId', new IdPipe('environment'));
export const DeploymentId = (): ParameterDecorator => Param('deploymentId', new IdPipe('deployment'));
export const JobId = (): ParameterDecorator => Param('jobId', new IdPipe('job'));

class IdPipe implements PipeTransform<string, string> {
  constructor(private readonly noun: Noun) {}

  transform(id: string): string {
    return knownForm(this.noun, id);
  }
}

/** The id in the body of a PUT: it must be there, and a malformed one is 404 like an unknown one. */
export function idOfUpdate(noun: Noun, id: unknown): string {
  if (id === undefined || id === null || id === '') {
    throw invalidInput([{ field: 'id', message: `must name the ${noun} to update` }]);
  }
  return knownForm(noun, id);
}

function knownForm(noun: Noun, id: unknown): string {
  if (typeof id === 'string' && UUID.test(id)) return id.toLowerCase();
  throw new ViceError(NOT_FOUND[noun], `there is no such ${noun}: ids look like 0f8fad5b-d9cb-469f-a165-70867728950e`);
}
