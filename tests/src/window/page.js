// Finds elements as a person or a screen reader does: by what they are and what they are called. Runs in the page with
// `arguments` [question, role, name]; answers with a list of what was found, the best match first.
const [question, wantedRole, wantedName] = arguments;

const implicit = {
  A: 'link',
  ARTICLE: 'article',
  ASIDE: 'complementary',
  BUTTON: 'button',
  DL: 'list',
  FOOTER: 'contentinfo',
  FORM: 'form',
  H1: 'heading',
  H2: 'heading',
  H3: 'heading',
  HEADER: 'banner',
  LI: 'listitem',
  MAIN: 'main',
  NAV: 'navigation',
  OL: 'list',
  SEARCH: 'search',
  SECTION: 'region',
  SUMMARY: 'summary',
  TEXTAREA: 'textbox',
  UL: 'list',
};
const inputs = { checkbox: 'checkbox', radio: 'radio' };

const words = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
const roleOf = (element) =>
  element.getAttribute('role') ??
  (element.tagName === 'INPUT' ? (inputs[element.type] ?? 'textbox') : implicit[element.tagName]);

function nameOf(element) {
  const label = element.getAttribute('aria-label');
  if (label !== null) return words(label);
  const by = element.getAttribute('aria-labelledby');
  if (by) return words(by.split(' ').map((id) => document.getElementById(id)?.innerText).join(' '));
  if (element.tagName === 'INPUT')
    return words(element.closest('label')?.innerText ?? element.getAttribute('placeholder'));
  return words(withoutKeys(element) || element.getAttribute('title'));
}

/** A button may show the key that does the same; that is not its name. */
function withoutKeys(element) {
  const keys = element.tagName === 'BUTTON' ? [...element.querySelectorAll('kbd')] : [];
  return keys.reduce((text, key) => text.slice(0, text.lastIndexOf(key.innerText)), element.innerText);
}

function isShown(element) {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== 'hidden';
}

/** How well a name fits: exactly, by its beginning, by words in it, not at all. “Builds” is no “Build”. */
function rank(name) {
  if (wantedName === '' || name === wantedName) return 0;
  const at = name.indexOf(wantedName);
  const isWord = (char) => char !== undefined && /\w/.test(char);
  const [first, last] = [wantedName[0], wantedName.at(-1)];
  const whole =
    !(isWord(first) && isWord(name[at - 1])) && !(isWord(last) && isWord(name[at + wantedName.length]));
  return at < 0 || !whole ? 3 : at === 0 ? 1 : 2;
}

function found() {
  const matches = [];
  for (const element of document.body.querySelectorAll('*')) {
    if (roleOf(element) !== wantedRole || !isShown(element)) continue;
    const place = rank(nameOf(element));
    if (place < 3) matches.push({ element, place });
  }
  // Sorting is stable: equally good ones stay as they stand in the page.
  return matches.sort((a, b) => a.place - b.place).map(({ element }) => element);
}

/** Where a click would reach it; nothing while something else is in front or it is switched off. */
function target(element) {
  element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  const box = element.getBoundingClientRect();
  const [x, y] = [Math.round(box.left + box.width / 2), Math.round(box.top + box.height / 2)];
  const hit = document.elementFromPoint(x, y);
  const reached = hit !== null && (element.contains(hit) || hit.contains(element));
  return reached && !element.disabled ? [x, y] : null;
}

if (question === 'text') return words(document.body.innerText);
if (question === 'colour') {
  const holding = [...document.body.querySelectorAll('*')].filter((it) => words(it.innerText) === wantedName);
  return holding.length ? getComputedStyle(holding.at(-1)).color : null;
}
if (question === 'target') return found().slice(0, 1).map(target);
return found().map((element) => ({
  name: nameOf(element),
  // The value of a list item is a number, and not what it says.
  text: words(element.tagName === 'LI' ? element.innerText : (element.value ?? element.innerText)),
  pressed: element.getAttribute('aria-pressed') === 'true' || element.getAttribute('aria-checked') === 'true',
  selected: element.getAttribute('aria-selected') === 'true',
  current: element.getAttribute('aria-current') === 'page',
  disabled: element.disabled === true,
  focused: element === document.activeElement,
}));
