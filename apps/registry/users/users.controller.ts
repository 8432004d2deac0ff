import { Controller } from '@nestjs/common';
import { UserCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { SecretKeyService } from './secret-key.service.js';
import { UsersService } from './users.service.js';

@Controller()
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly secretKey: SecretKeyService,
  ) {}

  @CallHandler(UserCalls.createUser)
  createUser(request: RequestOf<typeof UserCalls.createUser>) {
    return this.users.create(request);
  }

  @CallHandler(UserCalls.authenticate)
  authenticate(request: RequestOf<typeof UserCalls.authenticate>) {
    return this.users.authenticate(request);
  }

  @CallHandler(UserCalls.getUser)
  getUser({ userId }: RequestOf<typeof UserCalls.getUser>) {
    return this.users.get(userId);
  }

  @CallHandler(UserCalls.checkKey)
  async checkKey({ keyId, opens = [keyId] }: RequestOf<typeof UserCalls.checkKey>): Promise<Empty> {
    await this.secretKey.check(keyId, opens);
    return {};
  }
}
