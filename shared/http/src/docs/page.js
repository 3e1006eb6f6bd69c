'use strict';
// Shows the OpenAPI document of this process. Everything becomes text, never markup: what a document says is data.
const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options'];
const DEEPEST = 6;
let api = {};

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null && value !== '') made.setAttribute(key, value);
  }
  for (const child of children) if (child !== null && child !== undefined && child !== '') made.append(child);
  return made;
}

function words(text) {
  return text ? element('div', { class: 'words soft' }, text.trim()) : null;
}

/** Follows a reference within the document; returns the thing and its name. */
function resolved(thing) {
  const seen = new Set();
  let name = '';
  while (thing && thing.$ref && !seen.has(thing.$ref)) {
    seen.add(thing.$ref);
    const path = thing.$ref.replace(/^#\//, '').split('/').map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    name = path.at(-1);
    const target = path.reduce((at, part) => (at ? at[part] : undefined), api);
    thing = target ? { ...target, description: thing.description || target.description } : { description: '文档中没有 ' + name };
  }
  return [thing || {}, name];
}

/** Says in a line what a schema allows. */
function typeOf(schema) {
  const [thing, name] = resolved(schema);
  if (thing.const !== undefined) return JSON.stringify(thing.const);
  if (thing.enum) return thing.enum.map(value => JSON.stringify(value)).join(' | ');
  const choices = thing.oneOf || thing.anyOf;
  if (choices) return choices.map(typeOf).join(' | ');
  if (thing.type === 'array' || thing.items) return '[' + typeOf(thing.items || {}) + ']';
  const types = [].concat(thing.type || (thing.properties || thing.allOf ? 'object' : 'any'));
  const limits = [
    thing.format,
    thing.minimum !== undefined ? '≥ ' + thing.minimum : '',
    thing.maximum !== undefined ? '≤ ' + thing.maximum : '',
    thing.minLength !== undefined ? '长度 ≥ ' + thing.minLength : '',
    thing.maxLength !== undefined ? '长度 ≤ ' + thing.maxLength : '',
    thing.pattern,
    thing.default !== undefined ? '默认 ' + JSON.stringify(thing.default) : '',
  ].filter(Boolean);
  const label = types.map(type => (type === 'object' && name ? name : type)).join(' | ');
  return label + (limits.length ? '（' + limits.join('，') + '）' : '');
}

/** Shows the fields of a schema, and theirs, as deep as it goes. */
function fields(schema, depth = 0, above = []) {
  const [thing, name] = resolved(schema);
  if (depth > DEEPEST || (name && above.includes(name))) return null;
  const path = name ? [...above, name] : above;
  const deeper = inner => fields(inner, depth + 1, path);
  if (thing.items) return deeper(thing.items);
  const parts = thing.allOf || thing.oneOf || thing.anyOf;
  if (parts) {
    const shown = parts.map(part => fields(part, depth, path)).filter(Boolean);
    return shown.length ? element('div', {}, ...shown) : null;
  }
  const list = element('ul', { class: 'fields' });
  for (const [field, inner] of Object.entries(thing.properties || {})) {
    list.append(row(field, inner, (thing.required || []).includes(field), deeper(inner)));
  }
  if (thing.additionalProperties && typeof thing.additionalProperties === 'object') {
    list.append(row('<键>', thing.additionalProperties, false, deeper(thing.additionalProperties)));
  }
  return list.children.length ? list : null;
}

function row(name, schema, isNeeded, below, note = '') {
  const [thing] = resolved(schema);
  return element('li', {},
    element('code', { class: isNeeded ? 'needed' : '' }, name), ' ',
    element('span', { class: 'type' }, typeOf(schema) + note), words(thing.description), below);
}

function contents(body) {
  return Object.entries(body.content || {}).map(([type, { schema }]) =>
    element('div', {}, element('code', {}, type), ' ', element('span', { class: 'type' }, typeOf(schema || {})), fields(schema || {})));
}

const PLACES = { path: '路径', query: '查询', header: '请求头', cookie: 'Cookie' };

function inside(operation, shared) {
  const made = element('div', {}, words(operation.description));
  const parameters = [...shared, ...(operation.parameters || [])].map(parameter => resolved(parameter)[0]);
  if (parameters.length) {
    const list = element('ul', { class: 'fields' });
    for (const parameter of parameters) {
      const schema = { ...(parameter.schema || {}), description: parameter.description };
      list.append(row(parameter.name, schema, parameter.required, null, ' · ' + (PLACES[parameter.in] || parameter.in)));
    }
    made.append(element('h3', {}, '参数'), list);
  }
  if (operation.requestBody) {
    const [body] = resolved(operation.requestBody);
    made.append(element('h3', {}, '请求体'), ...[words(body.description)].filter(Boolean), ...contents(body));
  }
  made.append(element('h3', {}, '应答'));
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const [answer] = resolved(response);
    made.append(element('div', {}, element('span', { class: 'status' }, status), ' ', answer.description || '', ...contents(answer)));
  }
  return made;
}

function shown(path, method, operation, shared) {
  const isPublic = operation.security && operation.security.every(way => Object.keys(way).length === 0);
  const id = operation.operationId || method + path;
  const details = element('details', { class: 'operation', id },
    element('summary', {}, element('span', { class: 'method ' + method }, method), element('code', {}, path),
      element('span', {}, operation.summary || ''), isPublic ? element('span', { class: 'public' }, '公开') : null));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(inside(operation, shared));
  });
  details.searched = [path, method, id, JSON.stringify(operation)].join(' ').toLowerCase();
  return details;
}

function show() {
  document.getElementById('version').textContent = (api.info && api.info.version) || '';
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths || {})) {
    for (const method of METHODS.filter(method => item[method])) {
      const tag = (item[method].tags || ['其他'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(shown(path, method, item[method], item.parameters || []));
    }
  }
  const page = document.getElementById('operations');
  page.replaceChildren();
  for (const [tag, operations] of [...groups].sort(([one], [other]) => one.localeCompare(other))) {
    const heading = element('h2', { id: 'tag-' + tag }, tag);
    page.append(element('section', {}, heading, ...operations));
    document.getElementById('tags').append(
      element('li', {}, element('a', { href: '#tag-' + tag }, tag), ' ', element('span', { class: 'soft' }, String(operations.length))));
  }
}

function find(text) {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('#operations section')) {
    const operations = [...section.querySelectorAll('details.operation')];
    for (const operation of operations) operation.hidden = !parts.every(part => operation.searched.includes(part));
    section.hidden = operations.every(operation => operation.hidden);
  }
}

function open() {
  const chosen = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!chosen) return;
  if (chosen.tagName === 'DETAILS') chosen.open = true;
  chosen.scrollIntoView();
}

async function start() {
  try {
    const answer = await fetch('openapi.json');
    if (!answer.ok) throw new Error(answer.status);
    api = await answer.json();
    show();
    open();
  } catch (error) {
    document.getElementById('operations').replaceChildren(element('p', { role: 'alert' }, '读取失败：' + error.message));
  }
}

document.getElementById('search').addEventListener('input', event => find(event.target.value));
window.addEventListener('hashchange', open);
start();
