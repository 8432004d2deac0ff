export { PasswordsService } from './passwords.service.js';
export { SecretKeyService } from './secret-key.service.js';
export { UsersController } from './users.controller.js';
export { UsersService } from './users.service.js';
