import { Get, Post } from '@nestjs/common';
import { loginSecret, NewUser, User, UserCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { Input } from '../bodies/input.decorator.js';
import { Operation } from '../http/operation.decorator.js';
import { V1Controller } from '../http/v1.controller.js';
import { Public, UserId } from '../login/login.guard.js';

@V1Controller('users')
export class UsersController {
  constructor(
    private readonly calls: CallClient,
    private readonly box: SecretBox,
  ) {}

  @Post('user')
  @Public()
  @Operation('createUser', {
    summary: 'Create a new user in the system',
    takes: NewUser,
    answers: User,
    problems: { 405: 'Invalid input', 409: 'Username taken', 413: 'Body over 1 MiB', 415: 'Neither JSON nor XML' },
  })
  createUser(@Input(NewUser) { username, password, email, fullname }: NewUser): Promise<User> {
    return this.calls.ask(UserCalls.createUser, {
      username,
      password: this.box.seal(password, loginSecret(username)),
      email: email ?? null,
      fullname: fullname ?? null,
    });
  }

  @Get('user')
  @Operation('getUser', {
    summary: 'Provide user information about logged in user',
    answers: User,
    problems: { 401: 'Authentication information is missing or invalid' },
  })
  getUser(@UserId() userId: string): Promise<User> {
    return this.calls.ask(UserCalls.getUser, { userId });
  }
}
