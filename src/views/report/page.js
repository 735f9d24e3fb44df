'use strict';
// The table: filters, searches, sorts and turns pages. Its state is the address behind the `#`, so that every
// view can be linked to. Data becomes text and nothing else. No piece of work is long enough to be felt:
// what takes long for many rows is done in slices, most of it before somebody asks.
(() => {
  const PAGE = 100;
  const PRINTED = 1000;
  const RUN = 1024;
  const SLICE_MS = 10;
  const [LINE, EMAIL, OUTCOME, USER, MFA, STATUS, TRIES, TOOK, ENDED, DETAIL] = Array(10).keys();
  const COLUMNS = [
    { name: 'line', label: 'Line', at: LINE, number: true },
    { name: 'email', label: 'E-mail', at: EMAIL },
    { name: 'outcome', label: 'Outcome', at: OUTCOME },
    { name: 'detail', label: 'Detail', at: DETAIL },
    { name: 'user', label: 'User id', at: USER },
    { name: 'mfa', label: 'MFA', at: MFA },
    { name: 'http', label: 'HTTP', at: STATUS, number: true },
    { name: 'tries', label: 'Tries', at: TRIES, number: true },
    { name: 'took', label: 'Took', at: TOOK, number: true },
    { name: 'ended', label: 'Ended', at: ENDED },
  ];
  const PLAIN = ['updated', 'would_update'];

  const byId = (id) => document.getElementById(id);
  const { outcomes, mfa, rows } = JSON.parse(byId('data').textContent);
  byId('data').remove();
  const outcomeOf = Uint8Array.from(rows, (row) => row[OUTCOME]);
  const [search, status, grid, body, section] = ['search', 'status', 'grid', 'body', 'rows'].map(byId);
  const plainState = () => ({ family: '', reason: '', words: '', sort: 'line', down: false, page: 1 });
  let state = plainState();
  let view = [];

  // --- words ---------------------------------------------------------------------------------------------

  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const two = (number) => String(number).padStart(2, '0');
  const clock = (t) => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  const local = (t) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${clock(t)}`;
  const utc = (t) => `${t.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const took = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  // --- the address ---------------------------------------------------------------------------------------

  /** The state that an address means; nothing where it means another place in the page. */
  function read(hash) {
    const found = plainState();
    const [first, ...rest] = hash.replace(/^#/, '').split('&');
    const named = first.includes('=') ? (rest.unshift(first), '') : first;
    if (named && named !== 'all') {
      [found.family, found.reason = ''] = named.split('/');
      const known = ([family, reason]) => family === found.family && (!found.reason || reason === found.reason);
      if (!outcomes.some(known)) return null;
    }
    for (const [key, value] of new URLSearchParams(rest.join('&'))) {
      if (key === 'q') found.words = value;
      if (key === 'page') found.page = Math.max(1, Number.parseInt(value, 10) || 1);
      if (key === 'sort') [found.sort, found.down] = [value.replace(/^-/, ''), value.startsWith('-')];
    }
    if (!COLUMNS.some(({ name }) => name === found.sort)) found.sort = 'line';
    return found;
  }

  function written({ family, reason, words, sort, down, page }) {
    const parts = [family ? family + (reason && `/${reason}`) : 'all'];
    if (words) parts.push(`q=${encodeURIComponent(words)}`);
    if (sort !== 'line' || down) parts.push(`sort=${down ? '-' : ''}${sort}`);
    if (page > 1) parts.push(`page=${page}`);
    return `#${parts.join('&')}`;
  }

  let noting;
  /** Notes the state in the address without a step back for it. Browsers refuse that too often in a row. */
  function note() {
    clearTimeout(noting);
    noting = setTimeout(() => history.replaceState(null, '', written(state)), 250);
  }

  // --- work in slices ------------------------------------------------------------------------------------

  const orders = new Map();
  const texts = new Array(rows.length);

  /** What is searched, in lower case. */
  function* reading() {
    for (let at = 0; at < rows.length; at += 1) {
      text(at);
      if (at % RUN === 0) yield;
    }
  }

  function text(at) {
    const row = rows[at];
    return (texts[at] ??= `${row[EMAIL]}\n${row[USER]}\n${row[DETAIL]}`.toLowerCase());
  }

  /** The rows in the order of a column: short runs are sorted, then merged. */
  function* ordering({ at }) {
    const keys = rows.map((row) => row[at] ?? Infinity);
    const before = (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
    let order = natural();
    yield;
    for (let from = 0; from < order.length; from += RUN) {
      order.subarray(from, from + RUN).sort(before);
      yield;
    }
    for (let width = RUN; width < order.length; width *= 2) {
      const merged = new Uint32Array(order.length);
      for (let from = 0; from < order.length; from += 2 * width) {
        yield* merge(order, merged, from, width, before);
      }
      order = merged;
    }
    return order;
  }

  function* merge(order, merged, from, width, before) {
    const [middle, end] = [from + width, from + 2 * width].map((at) => Math.min(at, order.length));
    let [left, right] = [from, middle];
    for (let to = from; to < end; to += 1) {
      const takesLeft = left < middle && (right >= end || before(order[left], order[right]) <= 0);
      merged[to] = takesLeft ? order[left++] : order[right++];
      if (to % RUN === 0) yield;
    }
  }

  const natural = () => Uint32Array.from(rows, (_, index) => index);

  const pause = () => new Promise((resume) => setTimeout(resume));
  const idle = () => new Promise((resume) => (window.requestIdleCallback ?? setTimeout)(resume));

  /** Works until it is done, and takes breath whenever a slice of time is over. */
  async function inSlices(work, breath) {
    for (let begun = performance.now(); ; ) {
      const { done, value } = work.next();
      if (done) return value;
      if (performance.now() - begun < SLICE_MS) continue;
      await breath();
      begun = performance.now();
    }
  }

  /** The order of a column, kept. Asked for twice at once it is made by the one who is quicker. */
  async function ordered(name, breath) {
    if (!orders.has(name)) {
      const column = COLUMNS.find((known) => known.name === name);
      const order = await inSlices(ordering(column), breath);
      if (!orders.has(name)) orders.set(name, order);
    }
    return orders.get(name);
  }

  // --- the view ------------------------------------------------------------------------------------------

  /** The rows that the state asks for, in its order. */
  function matching(order) {
    const asked = outcomes.map(
      ([family, reason]) => (!state.family || family === state.family) && (!state.reason || reason === state.reason),
    );
    const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let at = 0; at < order.length; at += 1) {
      const row = order[state.down ? order.length - 1 - at : at];
      if (asked[outcomeOf[row]] && words.every((word) => text(row).includes(word))) found.push(row);
    }
    return found;
  }

  let latest = 0;
  /** Shows what the state says. If another is asked for meanwhile, that one is shown. */
  async function show() {
    const ask = (latest += 1);
    grid.ariaBusy = String(!orders.has(state.sort));
    const order = orders.get(state.sort) ?? (await ordered(state.sort, pause));
    if (ask !== latest) return;
    view = matching(order);
    grid.ariaBusy = 'false';
    draw();
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(view.length / PAGE));
    state.page = Math.min(state.page, pages);
    const from = (state.page - 1) * PAGE;
    fill(view.slice(from, from + PAGE), from);
    grid.ariaRowCount = String(view.length + 1);
    const all = view.length === rows.length;
    status.textContent = `${all ? '' : `${grouped(view.length)} of `}${grouped(rows.length)} rows`;
    if (search.value !== state.words) search.value = state.words;
    drawPager(pages);
    drawFilters();
    drawSort();
  }

  function fill(indices, from) {
    const lines = indices.map((index, at) => line(rows[index], from + at + 2));
    body.replaceChildren(...(lines.length ? lines : [nothing()]));
  }

  function line(row, place) {
    const element = make('tr');
    element.role = 'row';
    element.ariaRowIndex = String(place);
    for (const column of COLUMNS) element.append(cell(row, column));
    return element;
  }

  function cell(row, { name, label, at, number }) {
    const value = row[at];
    const element = make(at === EMAIL ? 'th' : 'td', undefined, number ? `${name} number` : name);
    element.role = at === EMAIL ? 'rowheader' : 'cell';
    element.dataset.label = label;
    if (at === OUTCOME) {
      const [family, reason] = outcomes[value];
      element.append(make('span', family, `badge ${family}`), ' ', make('span', reason, 'reason'));
    } else if (at === ENDED && value !== null) {
      element.append(moment(value));
    } else {
      // Text from elsewhere may be written from right to left; it does not turn its neighbours.
      element.append(at === DETAIL ? sentence(value) : make('bdi', shown(value, at)));
      // It is cut where it is too long.
      if (at === USER && value) element.firstChild.title = value;
    }
    element.classList.toggle('empty', element.textContent === '');
    return element;
  }

  function shown(value, at) {
    if (value === null) return '';
    // Such a row could not be read; its heading has to say something.
    if (at === EMAIL && value === '') return '(no address)';
    if (at === MFA) return mfa[value];
    return at === TOOK ? took(value) : String(value);
  }

  /** Flags stay in one piece. */
  function sentence(text) {
    const element = make('bdi');
    const parts = text.split(/(?<=^|\s)(--[a-z][a-z-]{0,31})(?![a-z-])/);
    parts.forEach((part, at) => element.append(at % 2 ? make('span', part, 'flag') : part));
    return element;
  }

  function moment(ms) {
    const time = new Date(ms);
    const element = make('time', local(time));
    [element.dateTime, element.title] = [time.toISOString(), utc(time)];
    return element;
  }

  function nothing() {
    const [element, only] = [make('tr', undefined, 'nothing'), make('td', 'No row is like that.')];
    [element.role, only.role, only.colSpan] = ['row', 'cell', COLUMNS.length];
    element.ariaRowIndex = '2';
    element.append(only);
    return element;
  }

  // --- what is pressed -----------------------------------------------------------------------------------

  function change(part) {
    state = { ...state, page: 1, ...part };
    note();
    return show();
  }

  function drawPager(pages) {
    const { page } = state;
    byId('pager').hidden = pages === 1;
    byId('page').textContent = `Page ${grouped(page)} of ${grouped(pages)}`;
    const targets = { first: 1, previous: page - 1, next: page + 1, last: pages };
    for (const [id, target] of Object.entries(targets)) {
      const button = byId(id);
      // Disabled ones would lose the focus that is on them.
      button.ariaDisabled = String(target < 1 || target > pages || target === page);
      button.onclick = () => button.ariaDisabled === 'false' && turn(target);
    }
  }

  async function turn(page) {
    await change({ page });
    if (grid.getBoundingClientRect().top < 0) section.scrollIntoView();
  }

  /** A link to the rows of an outcome; what is searched and sorted stays. */
  function filter(family, reason, count) {
    const [item, link] = [make('li'), make('a')];
    link.append(make('span', reason || family || 'all'), ' ', make('span', grouped(count), 'count'));
    link.className = family;
    Object.assign(link.dataset, { family, reason });
    item.append(link);
    return item;
  }

  function buildFilters() {
    const counts = outcomes.map(() => 0);
    for (const outcome of outcomeOf) counts[outcome] += 1;
    const families = new Map([['', rows.length]]);
    outcomes.forEach(([family], at) => families.set(family, (families.get(family) ?? 0) + counts[at]));
    for (const [family, count] of families) if (count || !family) byId('families').append(filter(family, '', count));
    outcomes.forEach(([family, reason], at) => {
      if (counts[at] && reason) byId('reasons').append(filter(family, reason, counts[at]));
    });
  }

  function drawFilters() {
    for (const link of document.querySelectorAll('#families a, #reasons a')) {
      const { family, reason } = link.dataset;
      const chosen = family === state.family && (reason ? reason === state.reason : true);
      // The chosen reason, pressed again, leads back to all of its family.
      link.href = written({ ...state, family, reason: chosen ? '' : reason, page: 1 });
      link.ariaCurrent = String(chosen);
      if (reason) link.parentElement.hidden = family !== state.family;
    }
    byId('by-reason').hidden = !state.family || !byId('reasons').querySelector('li:not([hidden])');
  }

  function buildHead() {
    for (const column of COLUMNS) {
      const [head, button] = [make('th', undefined, column.number ? 'number' : ''), make('button', column.label)];
      [head.scope, head.role, button.type] = ['col', 'columnheader', 'button'];
      button.onclick = () => change({ sort: column.name, down: state.sort === column.name && !state.down });
      head.append(button);
      byId('head').append(head);
    }
  }

  function drawSort() {
    [...byId('head').children].forEach((head, at) => {
      const is = COLUMNS[at].name === state.sort;
      head.ariaSort = !is ? 'none' : state.down ? 'descending' : 'ascending';
    });
  }

  /** Links from above the table lead to it, also when the address stays the same. */
  function follow(event) {
    const link = event.target.closest('a[href^="#"]');
    if (!link || section.contains(link) || !read(link.hash)) return;
    requestAnimationFrame(() => reveal());
  }

  function reveal() {
    section.focus({ preventScroll: true });
    section.scrollIntoView();
  }

  // --- paper and place -----------------------------------------------------------------------------------

  /** On paper there are the rows that were asked for, or those that were not updated. */
  function beforePrint() {
    const narrowed = state.family || state.words;
    const plain = (row) => PLAIN.includes(outcomes[outcomeOf[row]][0]);
    const all = narrowed ? view : [...rows.keys()].filter((row) => !plain(row));
    fill(all.slice(0, PRINTED), 0);
    const left = all.length - PRINTED;
    byId('printed').textContent =
      `${narrowed ? 'The rows that were chosen' : 'The rows that were not updated'}: ${grouped(all.length)}. ` +
      `${left > 0 ? `The first ${grouped(PRINTED)} of them are printed. ` : ''}outcome.csv has every row.`;
  }

  function localTimes() {
    for (const element of document.querySelectorAll('time[datetime], time[data-ms]')) {
      const time = new Date(element.dataset.ms ? Number(element.dataset.ms) : element.dateTime);
      if (Number.isNaN(time.getTime())) continue;
      [element.textContent, element.title] = [local(time), utc(time)];
    }
    for (const element of document.querySelectorAll('.meta time')) {
      const time = new Date(element.dateTime);
      if (!Number.isNaN(time.getTime())) element.append(` ${offset(time)}`);
    }
    const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });
    for (const element of document.querySelectorAll('text[data-ms]')) {
      const time = new Date(Number(element.dataset.ms));
      const short = element.dataset.form === 'seconds' ? clock(time) : clock(time).slice(0, 5);
      element.textContent = element.dataset.form === 'days' ? `${day.format(time)}, ${short}` : short;
    }
    for (const element of document.querySelectorAll('.zone')) element.textContent = zone();
  }

  /** "UTC+05:30", as it is here at that time. */
  function offset(time) {
    const minutes = -time.getTimezoneOffset();
    const [sign, size] = [minutes < 0 ? '−' : '+', Math.abs(minutes)];
    return minutes ? `UTC${sign}${two(Math.trunc(size / 60))}:${two(size % 60)}` : 'UTC';
  }

  function zone() {
    const [name, now] = [Intl.DateTimeFormat().resolvedOptions().timeZone, offset(new Date())];
    return now !== 'UTC' && name ? `in the zone of this computer, ${name} (now ${now})` : now;
  }

  function arrive() {
    const asked = read(location.hash);
    if (asked) state = asked;
    return asked ? show() : undefined;
  }

  async function begin() {
    orders.set('line', natural());
    document.documentElement.classList.add('js');
    localTimes();
    buildHead();
    buildFilters();
    search.oninput = () => change({ words: search.value.trim() });
    addEventListener('hashchange', arrive);
    addEventListener('beforeprint', beforePrint);
    addEventListener('afterprint', draw);
    document.addEventListener('click', follow);
    state = read(location.hash) ?? state;
    await show();
    if (location.hash && read(location.hash)) reveal();
    await inSlices(reading(), idle);
    for (const { name } of COLUMNS) await ordered(name, idle);
  }

  begin();
})();
