/** What the window itself can do: hear of dropped files, ask for a path. */
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';

export type DropEvent = { type: 'enter'; paths: string[] } | { type: 'drop'; paths: string[] } | { type: 'leave' };

/** Calls back for files dragged over the window. Returns how to stop. */
export function onFilesDropped(listener: (event: DropEvent) => void): Promise<() => void> {
  return getCurrentWebview().onDragDropEvent(({ payload }) => {
    if (payload.type === 'enter' || payload.type === 'drop') listener({ type: payload.type, paths: payload.paths });
    else if (payload.type === 'leave') listener({ type: 'leave' });
  });
}

/** Lets the user choose a folder; nothing if they do not. */
export function chooseFolder(title = 'Add a project folder'): Promise<string | null> {
  return open({ directory: true, multiple: false, title });
}

/** Lets the user choose a recipe file; nothing if they do not. */
export function chooseFile(title = 'Add a project by its recipe file'): Promise<string | null> {
  return open({ directory: false, multiple: false, title });
}

/** Lets the user choose files; none if they do not. */
export async function chooseFiles(title: string): Promise<string[]> {
  return (await open({ directory: false, multiple: true, title })) ?? [];
}
