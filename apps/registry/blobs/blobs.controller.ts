import { Controller } from '@nestjs/common';
import { BlobCalls, type AnswerOf, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { BlobLedgerService } from './blob-ledger.service.js';

@Controller()
export class BlobsController {
  constructor(private readonly ledger: BlobLedgerService) {}

  @CallHandler(BlobCalls.reserveSpace)
  async reserveSpace(request: RequestOf<typeof BlobCalls.reserveSpace>): Promise<Empty> {
    await this.ledger.reserveSpace(request);
    return {};
  }

  @CallHandler(BlobCalls.reserveBlob)
  async reserveBlob(request: RequestOf<typeof BlobCalls.reserveBlob>): Promise<AnswerOf<typeof BlobCalls.reserveBlob>> {
    return { state: await this.ledger.reserveBlob(request) };
  }

  @CallHandler(BlobCalls.pinBlob)
  async pinBlob({ holder, digest }: RequestOf<typeof BlobCalls.pinBlob>): Promise<Empty> {
    await this.ledger.pin(holder, digest);
    return {};
  }

  @CallHandler(BlobCalls.renewHolds)
  async renewHolds({ holders, seconds }: RequestOf<typeof BlobCalls.renewHolds>): Promise<Empty> {
    await this.ledger.renew(holders, seconds);
    return {};
  }

  @CallHandler(BlobCalls.releaseHold)
  async releaseHold({ holder }: RequestOf<typeof BlobCalls.releaseHold>): Promise<Empty> {
    await this.ledger.release(holder);
    return {};
  }

  @CallHandler(BlobCalls.endedWriters)
  async endedWriters({ writers }: RequestOf<typeof BlobCalls.endedWriters>): Promise<AnswerOf<typeof BlobCalls.endedWriters>> {
    return { ended: await this.ledger.ended(writers) };
  }

  @CallHandler(BlobCalls.condemnBlobs)
  async condemnBlobs({ limit }: RequestOf<typeof BlobCalls.condemnBlobs>): Promise<AnswerOf<typeof BlobCalls.condemnBlobs>> {
    return { digests: await this.ledger.condemn(limit) };
  }

  @CallHandler(BlobCalls.forgetBlobs)
  async forgetBlobs({ digests }: RequestOf<typeof BlobCalls.forgetBlobs>): Promise<Empty> {
    await this.ledger.forget(digests);
    return {};
  }
}
