/** The page of a run: follows the server, and puts what it sends in its place. */
import { Config } from './config.js';
import { Curves } from './curves.js';
import { Lanes } from './lanes.js';
import { Log } from './log.js';
import { Pictures } from './pictures.js';
import { ask, at, bytes, duration, figure, make, pathOf, percent } from './text.js';

const TOKEN = document.querySelector('meta[name="page-token"]').content;
const FOLLOW_AGAIN_MS = 5000;
const LOG_MS = 200;
const ENDED = ['done', 'failed'];
/** Words for how a run ended that a person or its machine stopped. */
const ENDINGS = { CANCELLED: 'stopped', INTERRUPTED: 'interrupted' };
/** All pages are sent a state each second, and draw with every second one: the server makes their replies once. */
const DRAW_MS = 1500;
let state;
let range = 0;
let drawnMs = Number.NEGATIVE_INFINITY;
let isNews = false;

const lanes = new Lanes();
const log = new Log();
const pictures = new Pictures(TOKEN);
new Config(() => state.id, lost);
const curves = new Curves((view) => {
  if (view === undefined) return setRange('0');
  curves.view = view;
  at('range').value = 'zoom';
  return refreshCurves();
});

const refreshCurves = () => curves.refresh().catch(lost);

function lost() {
  // What the page asks for after the end finds no server any more.
  if (state !== undefined && ENDED.includes(state.phase)) return;
  at('phase').textContent = 'no connection';
  at('phase').className = 'chip bad';
}

function setRange(value) {
  at('range').value = value;
  range = Number(value) || 0;
  curves.view = range === 0 ? {} : { from: Math.max(0, (state?.lastStep ?? 0) - range + 1) };
  return refreshCurves();
}

/** The newest figures of a run that is read from its folder, from its curves. */
function newestOf(id) {
  const { data } = curves.run(id);
  const last = (name) => data?.values[name].mean.findLast((value) => value !== null);
  const best = (split) => data?.evaluations.findLast((one) => one.split === split)?.accuracy;
  return {
    ...{ epoch: data?.epoch.at(-1), loss: last('loss'), trainAccuracy: last('accuracy') },
    ...{ validationAccuracy: best('validation'), testAccuracy: best('test') },
  };
}

function showFigures({ id, status, lastStep }) {
  const { epoch, loss, trainAccuracy, validationAccuracy, testAccuracy } = status ?? newestOf(id);
  const list = [
    [
      'Step',
      figure(status?.step ?? lastStep, 9),
      status ? `of ${figure(status.stepsTotal, 9)}` : '',
    ],
    ['Epoch', figure(epoch, 6), status ? `of ${status.epochsTotal}` : ''],
    ['Loss', figure(loss), ''],
    ['Train accuracy', percent(trainAccuracy), ''],
    ['Validation', percent(validationAccuracy), ''],
    ['Test', percent(testAccuracy), ''],
    ['Images/s', figure(status?.imagesPerSecond, 4), ''],
    ['Time left', ENDED.includes(status?.phase) ? '–' : duration(status?.etaSeconds), ''],
    ['Workers', String(status?.workers.length ?? '–'), ''],
  ].filter(([, value]) => value !== '–' || status !== undefined);
  at('figures').replaceChildren(
    ...list.map(([name, value, more]) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, value, ' ', make('small', {}, more))),
    ),
  );
}

function showState() {
  const { id, status, phase, code } = state;
  const share = status ? status.step / Math.max(1, status.stepsTotal) : 0;
  document.title = status ? `${Math.floor(100 * share)}% ${id}` : id;
  at('name').textContent = id;
  const ending = phase === 'failed' ? ENDINGS[code] : undefined;
  at('phase').textContent = ending ?? (phase || 'read from its folder');
  const isBad = phase === 'failed' && ending === undefined;
  const isGood = phase === 'training' || phase === 'done';
  at('phase').className = `chip ${isBad ? 'bad' : isGood ? 'good' : ''}`;
  at('progress').hidden = status === undefined;
  at('progress').value = share;
  at('stop').hidden = !state.mayStop || ENDED.includes(phase);
  at('waiting').textContent = ENDED.includes(phase) ? '' : (status?.waitingFor ?? '');
  showNotices();
  showFigures(state);
  showTables();
  void pictures.refresh(state);
}

/** What a person wants to know before all else: alarms, why nothing moves, why it ended. */
function showNotices() {
  const { status, phase, alarms } = state;
  const why = phase === 'failed' || phase === 'waiting' ? status?.reason : '';
  const notices = [
    ...alarms.map((text) => ({ text: text.slice(text.indexOf(': ') + 2), mood: 'bad' })),
    ...[status?.stall, why].filter(Boolean).map((text) => ({ text, mood: 'warning' })),
  ];
  const list = at('notices');
  list.hidden = notices.length === 0;
  if (list.textContent === notices.map(({ text }) => text).join('')) return;
  list.replaceChildren(
    ...notices.map(({ text, mood }) => make('li', { class: `notice ${mood}` }, text)),
  );
}

function showTables() {
  const { checkpoints, leases, leavesLost, leavesAgain } = state;
  const now = state.now ?? Date.now();
  const age = (time) => `${duration((now - Date.parse(time)) / 1000)} ago`;
  fill('checkpoints', checkpoints, ({ step, bytes: size, seconds, time }) => [
    ...[figure(step, 9), bytes(size), `${seconds.toFixed(1)} s`, age(time)],
  ]);
  fill('leases', leases, ({ worker, leaves, reason, time }) => [
    worker,
    String(leaves),
    reason,
    age(time),
  ]);
  at('leases-sum').textContent =
    leavesLost + leavesAgain === 0
      ? 'None.'
      : `${leavesLost} leaves lost with their workers, ${leavesAgain} given to a second worker because the first was late.`;
}

function fill(id, rows, cells) {
  const newest = rows.toReversed().slice(0, 8);
  at(id).replaceChildren(
    ...newest.map((row) => make('tr', {}, ...cells(row).map((cell) => make('td', {}, cell)))),
  );
  const empty = document.querySelector(`[data-of="${id}"]`);
  if (empty !== null) empty.hidden = rows.length > 0;
  at(id).parentElement.hidden = rows.length === 0;
}

async function showRuns() {
  const runs = await ask('/api/runs');
  for (const run of runs) {
    const { status } = run;
    const known = curves.run(run.id);
    const evaluations = run.status?.epochsTotal;
    known.stepsPerEpoch = evaluations ? status.stepsTotal / evaluations : await epochSteps(run.id);
  }
  const boxes = runs.map(({ id }) => {
    const box = make('input', { type: 'checkbox' });
    box.checked = curves.shown.has(id);
    box.addEventListener('change', () => {
      if (box.checked) curves.shown.add(id);
      else curves.shown.delete(id);
      void refreshCurves();
    });
    return make('label', {}, box, ` ${id}`);
  });
  at('runs').hidden = runs.length < 2;
  at('runs').append(...boxes);
}

/** Of a run that is read from its folder: its last step over its last epoch. */
async function epochSteps(id) {
  const { step, epoch } = await ask(`${pathOf(id, 'steps')}?points=10`);
  return epoch.length === 0 ? 0 : step.at(-1) / Math.max(1, epoch.at(-1));
}

let isDrawingLog = false;
/** Lines that come together are drawn together. */
function drawLogSoon() {
  if (isDrawingLog) return;
  isDrawingLog = true;
  setTimeout(() => {
    isDrawingLog = false;
    log.draw();
  }, LOG_MS);
}

function take(next) {
  if (next.begins) return;
  const isFirst = state === undefined;
  isNews ||= isFirst || next.lastStep !== state.lastStep || next.evaluations !== state.evaluations;
  const isAgain = !isFirst && next.lastStep < state.lastStep;
  state = next;
  if (isFirst) begin();
  if (isAgain) curves.run(state.id).data = undefined;
  showState();
  if (performance.now() - drawnMs >= DRAW_MS || ENDED.includes(state.phase)) drawAll();
}

function drawAll() {
  drawnMs = performance.now();
  void refreshLanes();
  if (!isNews) return;
  isNews = false;
  void (range > 0 ? setRange(String(range)) : refreshCurves());
}

function begin() {
  curves.shown.add(state.id);
  showRuns().catch(lost);
}

async function refreshLanes() {
  if (document.hidden) return;
  const { workers } = state.status ? {} : await ask(pathOf(state.id, 'run'));
  await lanes.refresh(state.id, at('window').value, state.status, workers).catch(lost);
}

function follow() {
  const events = new EventSource('/api/events');
  events.addEventListener('state', ({ data }) => take(JSON.parse(data)));
  events.addEventListener('fresh', () => log.clear());
  events.addEventListener('line', ({ data }) => {
    log.add(JSON.parse(data));
    drawLogSoon();
  });
  events.addEventListener('error', () => {
    if (state !== undefined && ENDED.includes(state.phase)) return events.close();
    lost();
    // A browser gives up on a reply that is none, as when too many pages follow.
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, FOLLOW_AGAIN_MS);
  });
}

at('axis').addEventListener('change', ({ target }) => {
  curves.axis = target.value;
  curves.draw(true);
});
at('smooth').addEventListener('input', ({ target }) => {
  curves.weight = Number(target.value);
  curves.draw();
});
at('range').addEventListener('change', ({ target }) => setRange(target.value));
at('window').addEventListener('change', refreshLanes);
at('stop').addEventListener('click', () => at('ask').showModal());
at('ask-no').addEventListener('click', () => at('ask').close());
at('ask-yes').addEventListener('click', async () => {
  at('ask').close();
  at('stop').disabled = true;
  try {
    await ask(pathOf(state.id, 'stop'), { method: 'POST', headers: { 'x-tessera-page': TOKEN } });
    at('stop').textContent = 'Stopping…';
  } catch (error) {
    log.add({ time: new Date().toISOString(), mood: 'bad', text: error.message });
    log.draw();
    at('stop').disabled = false;
  }
});
follow();
