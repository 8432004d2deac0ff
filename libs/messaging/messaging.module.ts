import { Module, type DynamicModule } from '@nestjs/common';
import { type Broker } from './broker.js';
import { CallClient } from './calls/call-client.js';

/** Under which Nest provides the Broker. */
export const BROKER = Symbol('BROKER');

/** Provides the Broker (token BROKER) and the CallClient everywhere. Whoever made the broker disposes of it, after the application has closed. */
@Module({})
export class MessagingModule {
  static register({ broker }: { broker: Broker }): DynamicModule {
    return {
      module: MessagingModule,
      global: true,
      providers: [
        { provide: BROKER, useValue: broker },
        { provide: CallClient, useValue: new CallClient(broker) },
      ],
      exports: [BROKER, CallClient],
    };
  }
}
