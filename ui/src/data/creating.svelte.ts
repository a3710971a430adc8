/** Whether a new repository is asked for; also from the palette, on whatever screen. */
export const creating = $state({ open: false });
