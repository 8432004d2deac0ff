/** Does all of this, so many at a time. Where something fails, no more is begun, and what was begun is waited for. */
export async function inLanes(tasks: readonly (() => Promise<void>)[], lanes: number): Promise<void> {
  if (tasks.length === 1) return await tasks[0]!();
  let next = 0;
  const lane = async () => {
    while (next < tasks.length) {
      try {
        await tasks[next++]!();
      } catch (error) {
        next = tasks.length;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(lanes, tasks.length) }, lane));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
