import { Controller } from '@nestjs/common';
import { UserCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { AdministratorsService } from './administrators.service.js';

@Controller()
export class AdministratorsController {
  constructor(private readonly administrators: AdministratorsService) {}

  @CallHandler(UserCalls.findAdministrators)
  findAdministrators({ userId }: RequestOf<typeof UserCalls.findAdministrators>) {
    return this.administrators.find(userId);
  }

  @CallHandler(UserCalls.nameAdministrator)
  nameAdministrator({ userId, username }: RequestOf<typeof UserCalls.nameAdministrator>) {
    return this.administrators.name(userId, username);
  }

  @CallHandler(UserCalls.withdrawAdministrator)
  async withdrawAdministrator({ userId, username }: RequestOf<typeof UserCalls.withdrawAdministrator>): Promise<Empty> {
    await this.administrators.withdraw(userId, username);
    return {};
  }
}
