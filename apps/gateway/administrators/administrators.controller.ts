import { Delete, Get, Param, Put } from '@nestjs/common';
import { Administrator, UserCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { Operation } from '../http/operation.decorator.js';
import { V1Controller } from '../http/v1.controller.js';
import { UserId } from '../login/login.guard.js';

const REFUSED = { 401: 'Authentication information is missing or invalid', 403: 'Who asks is no administrator' };

@V1Controller('administrators')
export class AdministratorsController {
  constructor(private readonly calls: CallClient) {}

  @Get('administrators')
  @Operation('findAdministrators', { summary: 'List the administrators', answers: [Administrator], problems: REFUSED })
  findAdministrators(@UserId() userId: string): Promise<Administrator[]> {
    return this.calls.ask(UserCalls.findAdministrators, { userId });
  }

  @Put('administrators/:username')
  @Operation('nameAdministrator', {
    summary: 'Make a user an administrator',
    description:
      'They see the jobs of all users, and may run failed ones again; images and credentials of others stay closed to them.',
    answers: Administrator,
    problems: { ...REFUSED, 404: 'User not found' },
  })
  nameAdministrator(@UserId() userId: string, @Param('username') username: string): Promise<Administrator> {
    return this.calls.ask(UserCalls.nameAdministrator, { userId, username });
  }

  @Delete('administrators/:username')
  @Operation('withdrawAdministrator', {
    summary: 'Make an administrator an ordinary user again',
    problems: { ...REFUSED, 404: 'There is no such administrator', 409: 'The setting VICE_ADMIN_USERNAME names them' },
  })
  async withdrawAdministrator(@UserId() userId: string, @Param('username') username: string): Promise<void> {
    await this.calls.ask(UserCalls.withdrawAdministrator, { userId, username });
  }
}
