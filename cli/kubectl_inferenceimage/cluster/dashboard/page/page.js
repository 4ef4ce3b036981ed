// Asks for the objects every two seconds and draws them. What comes from the cluster is text, and never becomes markup.
"use strict";

const PERIOD = 2000;
const SVG = "http://www.w3.org/2000/svg";
const NARROW = 600; // pixels, below which the drawing goes downwards
const LETTER = 7.3, LINE = 17, PAD = 10; // of the drawing: the width of a letter, the height of a line
const COLUMNS = [["checkpoint", "code"], ["graph"], ["image"]];
const GAP = 46;
const shown = new Map(); // place on the page -> the JSON that it shows
let timer = 0, drawnObject = "";

const place = (name) => document.getElementById(name);

function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children); // strings become text nodes
  return made;
}

function draw(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Draws a place again if its data has changed; it is hidden without data. What was open stays open, the focus where it was.
function show(name, data, drawn) {
  const text = JSON.stringify(data), where = place(name);
  if (shown.get(name) === text) return;
  shown.set(name, text);
  const focused = where.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const open = new Set([...where.querySelectorAll("details[open]")].map((found) => found.dataset.name));
  where.hidden = data === null;
  where.replaceChildren(...(data === null ? [] : drawn(data)));
  for (const found of where.querySelectorAll("details")) if (open.has(found.dataset.name)) found.open = true;
  for (const found of where.querySelectorAll("a")) if (found.getAttribute("href") === focused) found.focus();
}

function chosen() {
  const [, namespace, name] = location.hash.split("/").map(decodeURIComponent);
  return name ? { namespace, name } : null;
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  const found = isJson ? await answer.json() : { error: `The dashboard answers ${answer.status}.` };
  if (!answer.ok) throw new Error(found.error);
  return found;
}

async function refresh() {
  clearTimeout(timer);
  const troubles = [], one = chosen();
  document.body.classList.toggle("one", one !== null);
  if (!document.hidden) {
    await Promise.all([list(one), object(one)].map((part) => part.catch((error) => troubles.push(told(error)))));
    place("trouble").textContent = [...new Set(troubles)].join(" ");
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, PERIOD);
}

const told = (error) => (error instanceof TypeError ? "The dashboard does not answer. Is it still running?" : error.message);

async function list(one) {
  const found = await ask("api/objects");
  place("where").textContent = found.where;
  show("list", [found.objects, one], ([objects]) => [
    objects.length ? make("ul", {}, ...objects.map((row) => entry(row, one))) : make("p", { class: "idle" }, "No objects."),
  ]);
}

function entry(row, one) {
  const link = make("a", { href: `#/${encodeURIComponent(row.namespace)}/${encodeURIComponent(row.name)}` },
    make("b", {}, row.name), " ", state(row),
    make("div", { class: "facts" }, make("span", {}, row.namespace), make("span", {}, row.age),
      make("span", { class: "mono" }, row.digest.slice(0, 19))));
  if (one && one.namespace === row.namespace && one.name === row.name) link.setAttribute("aria-current", "page");
  return make("li", {}, link);
}

const KINDS = { True: "good", False: "bad", Unknown: "busy" };

const state = (row) => make("span", { class: `state ${KINDS[row.ready] || "idle"}` }, row.reason);

async function object(one) {
  if (!one) {
    showParts(null);
    return;
  }
  const found = await ask(`api/objects/${encodeURIComponent(one.namespace)}/${encodeURIComponent(one.name)}`)
    .catch((error) => ({ error }));
  if (JSON.stringify(chosen()) !== JSON.stringify(one)) return; // another one has been chosen meanwhile
  if (!found.error) {
    showParts(found);
  } else {
    if (drawnObject !== location.hash) showParts(null);
    throw found.error;
  }
  drawnObject = location.hash;
}

// What of an object is shown in which place, and how.
const PARTS = {
  head: [({ summary, message, end, left, missing }) => ({ summary, message, end, left, missing }), head],
  stages: [(found) => ({ rows: found.stages, moving: found.moving }), stages],
  failure: [({ failed }) => filled(failed), (failed) => failed.flatMap(failure)],
  lineage: [({ lineage: found }) => found, (found) => [title("What it is made of"), lineage(found)]],
  image: [({ published }) => filled(published), (published) => [title("Image"), tree(published)]],
  pictures: [({ summary, pictures: found }) => found.length ? { summary, found } : null, pictures],
  history: [({ history }) => (history.rows.length ? history : null),
    ({ columns, rows }) => [title("History"), table(columns, rows)]],
  conditions: [({ conditions }) => filled(conditions), conditions],
};

function showParts(found) {
  for (const [name, [part, drawn]] of Object.entries(PARTS)) show(name, found && part(found), drawn);
}

const filled = (found) => (found.length ? found : null);

const title = (text) => make("h3", {}, text);

function head({ summary, message, end, left, missing }) {
  const lines = [message || end, left && `Time left: ${left}`].filter(Boolean);
  return [make("a", { href: "#", class: "back" }, "all objects"),
    make("h2", {}, `${summary.namespace}/${summary.name} `, state(summary)),
    ...lines.map((line) => make("p", {}, line)),
    make("div", { class: "facts" }, make("span", {}, `age ${summary.age}`), make("span", {}, `checkpoint ${summary.step}`),
      make("span", { class: "mono" }, summary.image)),
    ...missing.map((line) => make("p", { class: "missing" }, line))];
}

function stages({ rows, moving }) {
  return [title("Stages"), make("ol", {}, ...rows.map((row) => stage(row, row.works ? moving : null)))];
}

function stage(row, moving) {
  const kind = row.works ? "busy" : { True: "good", False: "bad" }[row.status] || "idle";
  const item = make("li", { class: `${kind}-line` }, make("div", {}, make("b", {}, row.stage), " ", row.took),
    make("div", { class: `state ${kind}` }, row.state));
  if (moving) {
    const bar = make("progress", { max: moving.total, value: moving.done, "aria-label": moving.text });
    item.append(bar, make("div", { class: "facts" }, moving.text));
  }
  if (row.below.length) {
    item.append(make("details", { "data-name": row.stage }, make("summary", {}, "Job, pod, containers"), tree(row.below)));
  }
  return item;
}

function conditions(found) {
  const rows = found.map((one) => [one.type, one.status, one.reason, one.message || ""]);
  return [title("Conditions"), table(["TYPE", "STATUS", "REASON", "MESSAGE"], rows)];
}

function pictures({ summary, found }) {
  const folder = `api/objects/${encodeURIComponent(summary.namespace)}/${encodeURIComponent(summary.name)}/pictures/`;
  return [title("Tried pictures"), make("div", { class: "pictures" }, ...found.map(({ file, time, digest }) =>
    make("figure", {}, make("img", { src: `${folder}${encodeURIComponent(file)}?${time}`, alt: `${file}, with boxes` }),
      make("figcaption", {}, file, " ", make("span", { class: "mono" }, digest.slice(0, 19))))))];
}

const tree = (nodes) => make("ul", { class: "tree" },
  ...nodes.map((node) => make("li", {}, node.text, ...(node.below.length ? [tree(node.below)] : []))));

function failure(node) {
  const lines = node.below.map((below) => below.below.length
    ? make("pre", { tabindex: "0" }, below.below.map((line) => line.text).join("\n"))
    : make("p", {}, below.text));
  return [make("h3", { class: "bad" }, node.text), ...lines];
}

const table = (columns, rows) => make("div", { class: "scroll" }, make("table", {},
  make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", {}, name.toLowerCase())))),
  make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))))));

// The middle of a text that is too long is left out; pointing at it shows all of it.
function fitted(text, letters) {
  if (text.length <= letters) return text;
  const half = Math.max(1, Math.floor((letters - 1) / 2));
  return `${text.slice(0, letters - 1 - half)}…${text.slice(-half)}`;
}

function lineage({ nodes, edges }) {
  const width = Math.max(260, (place("object").clientWidth || innerWidth) - 30);
  const narrow = width < NARROW;
  const boxes = arranged(new Map(nodes.map((node) => [node.id, node])), width, narrow);
  const height = Math.max(...[...boxes.values()].map((box) => box.y + box.height)) + PAD + 2;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "From checkpoint and code over the graph to the image" });
  for (const [from, to] of edges) svg.append(edge(boxes, boxes.get(from), boxes.get(to), narrow));
  for (const box of boxes.values()) svg.append(drawn(box));
  return svg;
}

function arranged(nodes, width, narrow) {
  const boxes = new Map();
  const each = narrow ? width - 2 * PAD - GAP / 2 : (width - 2 * GAP - 2) / 3;
  let down = 1;
  COLUMNS.forEach((ids, column) => {
    if (!narrow) down = 1;
    for (const id of ids) {
      const node = nodes.get(id), height = (node.lines.length + 1) * LINE + PAD;
      boxes.set(id, { node, x: narrow ? PAD + GAP / 2 : 1 + column * (each + GAP), y: down, width: each, height });
      down += height + 18;
    }
  });
  return boxes;
}

function edge(boxes, from, to, narrow) {
  const start = [from.x + from.width, from.y + from.height / 2], end = [to.x, to.y + to.height / 2];
  if (narrow) { // along the left side
    const side = from.node.id === "code" ? 2 : 9;
    return draw("path", { d: `M${from.x} ${start[1]} H${side} V${end[1]} H${to.x}` });
  }
  const far = end[0] - start[0] > GAP + 1; // a column lies between: below its boxes
  const level = far ? below(boxes, start[1]) : start[1], last = end[0] - GAP;
  const begin = far ? `M${start} C${start[0] + GAP / 2} ${start[1]} ${start[0] + GAP / 2} ${level} ${start[0] + GAP} ${level} H${last}`
    : `M${start}`;
  return draw("path", { d: `${begin} C${end[0] - GAP / 2} ${level} ${end[0] - GAP / 2} ${end[1]} ${end[0]} ${end[1]}` });
}

const below = (boxes, level) => Math.max(level, ...COLUMNS[1].map((id) => boxes.get(id).y + boxes.get(id).height + PAD));

function drawn({ node, x, y, width, height }) {
  const group = draw("g", { class: node.done ? "" : "open" });
  group.append(draw("rect", { x, y, width, height, rx: 7 }), draw("text", { x: x + PAD, y: y + LINE, class: "title" }, node.title));
  node.lines.forEach((line, number) => {
    const text = draw("text", { x: x + PAD, y: y + (number + 2) * LINE, class: node.done ? "" : "faint" },
      fitted(line, Math.floor((width - 2 * PAD) / LETTER)));
    text.append(draw("title", {}, line));
    group.append(text);
  });
  return group;
}

addEventListener("hashchange", () => { scrollTo(0, 0); refresh(); });
addEventListener("resize", () => { shown.delete("lineage"); refresh(); });
document.addEventListener("visibilitychange", refresh);
refresh();
