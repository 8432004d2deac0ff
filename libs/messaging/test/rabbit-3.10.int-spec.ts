import { describeWith, rabbitmqOwn } from '#libs/testing';
import { ownRabbitSuite } from './own-rabbit-suite.js';

await describeWith([rabbitmqOwn('3')], 'over a RabbitMQ 3.10', ownRabbitSuite);
