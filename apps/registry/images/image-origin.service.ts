import { Injectable } from '@nestjs/common';
import { type EnvironmentDraft, type ImageDraft } from '#libs/contracts';
import { ViceError, type FieldFault } from '#libs/errors';
import { type Transaction } from '../database/index.js';
import { EnvironmentsService } from '../environments/environments.service.js';

/** Finds, or registers, the environment that an image comes from. */
@Injectable()
export class ImageOriginService {
  constructor(private readonly environments: EnvironmentsService) {}

  /** The origin's id, kept from being deleted until the transaction ends. Raises INVALID_INPUT naming the field. */
  async idOf(tx: Transaction, userId: string, origin: NonNullable<ImageDraft['originEnvironment']>): Promise<string> {
    if ('inline' in origin) return this.register(tx, userId, origin.inline);
    const environment = await this.environments.locked(tx, userId, origin.known, 'pessimistic_read');
    if (environment) return environment.id;
    throw invalid([{ field: 'originEnvironment.id', message: 'is not the id of one of your environments' }]);
  }

  private async register(tx: Transaction, userId: string, draft: EnvironmentDraft): Promise<string> {
    const faults: FieldFault[] = [];
    if (!draft.credentials?.location)
      faults.push({ field: 'originEnvironment.credentials.location', message: 'is needed where there is no id' });
    if (!draft.managementlayer?.software && !draft.managementlayer?.type)
      faults.push({ field: 'originEnvironment.managementlayer', message: 'is needed where there is no id' });
    if (faults.length > 0) throw invalid(faults);
    const { id } = await this.environments.register(tx, userId, draft);
    return id;
  }
}

const invalid = (fields: FieldFault[]): ViceError =>
  new ViceError('INVALID_INPUT', fields.map(({ field, message }) => `${field} ${message}`).join('; '), { fields });
