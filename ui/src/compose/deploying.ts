/** Deploying, told in the corner of the window however it ends and whatever screen is shown by then. */
import type { BuildRequest } from '../lib/ipc';
import { app } from '../lib/state/app.svelte';
import { toasts } from '../lib/state/toasts.svelte';
import { duration, short } from '../lib/ui/format';
import { visible } from '../lib/ui/visible';
import { type Deploy, deploys } from './deploys.svelte';

export async function deployAndTell(request: BuildRequest, name: string) {
  tell(await deploys.start(request, name));
}

/** Goes on with what was started before the page was loaded. */
export async function resumeDeploys() {
  try {
    (await deploys.resume()).forEach(tell);
  } catch (thrown) {
    app.report(thrown);
  }
}

export async function cancelDeploy(deploy: Deploy) {
  try {
    await deploys.cancel(deploy);
  } catch (thrown) {
    app.report(thrown);
  }
}

function tell(deploy: Deploy) {
  void app.refresh();
  const name = visible(deploy.name);
  const at = deploy.request.commit ? ` at ${short(deploy.request.commit)}` : '';
  if (deploy.state === 'done') {
    toasts.show(`${name} is deployed${at}, ${duration(Date.now() - deploy.startedAt)}.`, { tone: 'ok' });
  } else if (deploy.state === 'failed' && app.router.screen.name !== 'runs') {
    // The screen of what runs says why by itself.
    const action = { label: 'Show', run: () => app.router.go({ name: 'runs' }) };
    toasts.show(`${name} could not be deployed${at}.`, { tone: 'fail', action });
  }
}
