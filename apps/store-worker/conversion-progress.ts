/** What is left to do once the tool is through: its result is hashed, and looked at again. */
const SHARE_OF_THE_TOOL = 0.9;

/** Tells a job how far a conversion is, as bytes of its source. */
export class ConversionProgress {
  private done = 0;

  constructor(
    private readonly job: { advance(bytes: number): void },
    private readonly size: number,
  ) {}

  /** `fraction`: of the tool's part, from 0 to 1. */
  converting(fraction: number): void {
    this.advanceTo(fraction * SHARE_OF_THE_TOOL);
  }

  complete(): void {
    this.advanceTo(1);
  }

  private advanceTo(fraction: number): void {
    const reached = Math.floor(this.size * fraction);
    if (reached <= this.done) return;
    this.job.advance(reached - this.done);
    this.done = reached;
  }
}
