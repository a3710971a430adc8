/**
 * Turns many calls into few: the first is answered soon, those that follow are gathered into one every `gapMs`, the last is
 * never lost, and two never run at once.
 */
export function gather(work: () => Promise<void>, soonMs = 60, gapMs = 500): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let working = false;
  let again = false;
  let ended = -Infinity;

  function call() {
    if (working) again = true;
    else timer ??= setTimeout(run, Date.now() - ended > gapMs ? soonMs : gapMs);
  }

  async function run() {
    timer = undefined;
    working = true;
    again = false;
    try {
      await work();
    } finally {
      working = false;
      ended = Date.now();
      if (again) call();
    }
  }

  return { call, stop: () => clearTimeout(timer) };
}
