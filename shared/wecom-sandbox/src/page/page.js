
"use strict";
/* Foreign text (names, remarks, bodies of calls) only ever becomes text: nothing here writes HTML. */

const KEPT = 200;          // rows of a list; older ones go
const CONTACTS = 100;      // as many the sandbox tells of
const EVERY = 1000;        // milliseconds between two looks
const EVERY_HIDDEN = 5000; // the same while nobody sees the page
const SPOKEN_EVERY = 6000; // a screen reader is told no more often

const at = (id) => document.getElementById(id);
const write = (id, text) => { if (at(id).textContent !== String(text)) at(id).textContent = text; };
const number = (value) => Number(value ?? 0).toLocaleString("zh-CN");
const clock = (time) => new Date(time).toLocaleTimeString("zh-CN", { hour12: false });

/* Makes an element: its text or children, class, and further properties. */
function make(name, content, kind, more) {
  const made = document.createElement(name);
  if (Array.isArray(content)) made.append(...content.filter(Boolean));
  else if (content !== undefined && content !== null) made.textContent = content;
  if (kind) made.className = kind;
  return Object.assign(made, more);
}
const cut = (text, kind = "") => make("span", text, `cut ${kind}`, { title: text ?? "" });
const pairs = (entries) => make("dl", entries.flatMap(([name, value]) => [make("dt", name), make("dd", value)]), "pairs");
const options = (entries) => entries.map(([value, text]) => make("option", text, "", { value }));

/* ---- words ---- */

const EVENTS = {
  add_external_contact: "添加客户", add_half_external_contact: "免验证添加", edit_external_contact: "修改客户",
  del_external_contact: "成员删客户", del_follow_user: "客户删成员", transfer_fail: "接替失败", msg_audit_approved: "同意存档",
  create_user: "新增成员", update_user: "更新成员", delete_user: "删除成员",
  create_party: "新增部门", update_party: "更新部门", delete_party: "删除部门",
  change_external_tag: "客户标签", msgaudit_notify: "会话存档", template_card_event: "点击卡片",
};
const ANSWERS = { timeout: "超时", refused: "连不上", broken: "断开", not_success: "没答 success", dropped: "故障丢弃", no_url: "没有地址" };
const SILENCES = { timeout_after_accept: "不应答", close_after_accept: "断开" };
const KINDS = { welcome: "欢迎语", template_card: "卡片", text: "文本", markdown: "Markdown" };
const ATTACHED = { image: "图片", link: "链接", miniprogram: "小程序", video: "视频", file: "文件" };
const STANDINGS = { left_by_customer: "客户已删除成员", over: "已不是好友" };
const API_FAULTS = [
  ["-1", "报错 -1 系统繁忙", { errcode: -1 }], ["45009", "报错 45009 调用超频", { errcode: 45009 }],
  ["45033", "报错 45033 并发超限", { errcode: 45033 }], ["60020", "报错 60020 IP 不可信", { errcode: 60020 }],
  ["40014", "报错 40014 令牌无效", { errcode: 40014 }], ["slow", "慢 3 秒", { latency_ms: 3000 }],
  ["close", "办了，但断开", "close_after_accept"], ["timeout", "办了，但不应答", "timeout_after_accept"],
];
const CALLBACK_FAULTS = { drop: "丢失", duplicate: "重复", reorder: "乱序" };
const share = (part) => `${Math.round(part * 100)}%`;

/* ---- talking to the sandbox ---- */

async function ask(path, method = "GET", body) {
  const answer = await fetch("/_control/" + path, { method, body: body && JSON.stringify(body) });
  const read = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(read.error ?? `HTTP ${answer.status}`);
  return read;
}

let toldUntil;
function tell(text, isBad) {
  const told = at("told");
  told.textContent = text;
  told.className = isBad ? "told bad" : "told";
  told.hidden = false;
  clearTimeout(toldUntil);
  toldUntil = setTimeout(() => { told.hidden = true; }, isBad ? 8000 : 3500);
}

/* Does something on request: the button waits meanwhile, and one is told how it went. */
async function act(button, deed) {
  button.disabled = true;
  try {
    tell(await deed());
    soon();
  } catch (error) {
    tell(`没有成功：${error.message}`, true);
  } finally {
    button.disabled = false;
  }
}

let app = "demo";
async function happen(type, fields, times = 1) {
  const { deliveries } = await ask("events", "POST", { app, type, fields, times });
  const taken = deliveries.filter((delivery) => delivery.status === 200).length;
  return taken === deliveries.length ? "" : `，回调有 ${deliveries.length - taken} 条没有送达`;
}

/* ---- lists ---- */

let isPaused = false, wanted = "";

/* A list with the newest on top. While it is paused or being read, what is new waits; what is old and changed is shown. */
function listOf(name, keyOf, textOf, draw, kept = KEPT) {
  const list = at(name), fresh = at(name + "-fresh"), empty = at(name + "-empty");
  const nothing = empty.textContent, rows = new Map();
  let waiting = new Map(), missed = 0;

  const isRead = () => list.scrollTop > 4 || list.matches(":hover") && matchMedia("(hover: hover)").matches
    || list.matches(":focus-visible") || list.querySelector("details[open], :focus-visible") !== null;

  function put(key, entry, flashes) {
    const stamp = JSON.stringify(entry), before = rows.get(key);
    if (before?.stamp === stamp) return;
    const node = draw(entry), text = textOf(entry).toLowerCase();
    if (flashes) node.classList.add("new");
    const wasOpen = before?.node.querySelector("details")?.open;
    if (wasOpen) node.querySelector("details").open = true;
    rows.set(key, { stamp, text, node });
    if (before) before.node.replaceWith(node); else list.prepend(node);
  }
  function flush(flashes) {
    for (const [key, entry] of waiting) put(key, entry, flashes);
    waiting = new Map();
    missed = 0;
    // A Map keeps the order of the first insertion, so the oldest come first.
    for (const [key, row] of rows) {
      if (rows.size <= kept) break;
      row.node.remove();
      rows.delete(key);
    }
    show();
  }
  function show() {
    let shown = 0;
    for (const { text, node } of rows.values()) {
      node.hidden = !text.includes(wanted);
      shown += node.hidden ? 0 : 1;
    }
    list.hidden = shown === 0;
    empty.hidden = shown > 0;
    empty.textContent = rows.size > 0 ? `最近 ${rows.size} 条里没有「${wanted}」` : nothing;
    const count = waiting.size + missed;
    fresh.hidden = count === 0;
    fresh.textContent = `${number(count)} 条新的`;
  }
  fresh.addEventListener("click", () => { flush(true); list.scrollTop = 0; });

  return {
    show,
    /* Takes entries, the oldest first. */
    take(entries, skipped = 0) {
      const isFirst = rows.size === 0 && waiting.size === 0;
      for (const entry of entries) {
        const key = keyOf(entry);
        if (rows.has(key)) put(key, entry, false);
        else waiting.set(key, entry);
      }
      if (!isFirst) missed += skipped;
      for (const key of waiting.keys()) {
        if (waiting.size <= kept) break;
        waiting.delete(key);
        missed += 1;
      }
      if (isFirst || !(isPaused || isRead())) flush(!isFirst); else show();
    },
    clear() { list.replaceChildren(); rows.clear(); waiting.clear(); missed = 0; show(); },
  };
}

let staff = new Map(), channelNames = new Map();
const staffName = (id) => staff.get(id?.toLowerCase()) ?? id;

const callbacks = listOf("callbacks", (entry) => entry.id,
  (entry) => [entry.customer, entry.external_user_id, entry.event, entry.change_type, EVENTS[entry.change_type ?? entry.event],
    entry.status, ANSWERS[entry.status]].join(" "),
  (entry) => make("li", [
    make("span", clock(entry.time), "time"),
    cut(EVENTS[entry.change_type] ?? EVENTS[entry.event] ?? entry.change_type ?? entry.event),
    cut(entry.customer ?? entry.external_user_id ?? "–"),
    make("span", `${entry.attempt > 1 ? `第 ${entry.attempt} 次 ` : ""}${ANSWERS[entry.status] ?? entry.status}`,
      `code ${entry.status === 200 ? "good" : "bad"}`),
    make("span", entry.attempt > 0 ? `${number(entry.ms)} ms` : "", "ms"),
  ], "line"));

const pretty = (value) => JSON.stringify(value, null, 2);
const calls = listOf("calls", (call) => call.id,
  (call) => [call.path, call.query, JSON.stringify(call.body), JSON.stringify(call.answer), call.fault].join(" "),
  (call) => {
    const errcode = call.answer.errcode ?? 0, isBad = errcode !== 0 || call.fault;
    const details = make("details", [make("summary", [
      make("span", clock(call.time), "time"),
      cut(call.path.replace("/cgi-bin/", "")),
      make("span", SILENCES[call.fault] ?? errcode, `code ${isBad ? "bad" : "good"}`),
      make("span", call.ms === undefined ? "" : `${number(call.ms)} ms`, "ms"),
    ], "line")]);
    // Bodies are written when somebody looks at them.
    details.addEventListener("toggle", () => {
      if (details.children.length > 1) return;
      details.append(make("div", [
        make("code", `${call.method} ${call.path}${call.query ? "?" + call.query : ""}`),
        call.body !== null && make("span", "请求", "soft"), call.body !== null && make("pre", pretty(call.body)),
        make("span", call.fault ? "返回（没有送到）" : "返回", "soft"), make("pre", pretty(call.answer)),
      ], "more"));
    });
    return make("li", [details]);
  });

/* What an app or a member wrote, as it looks on the phone of who got it. */
function bubble(message) {
  const { content } = message;
  const lost = message.delivered ? "" : " lost";
  if (!content.card_type) {
    const text = content.text?.content ?? content.content;
    const attached = (content.attachments ?? []).map((one) => {
      const title = one[one.msgtype]?.title;
      return make("span", [ATTACHED[one.msgtype] ?? one.msgtype, title].filter(Boolean).join("："), "attached");
    });
    return make("div", [text ? make("span", text) : attached.length ? null : make("span", `［${message.kind}］`),
      attached.length > 0 && make("div", attached)], "bubble" + lost);
  }
  const card = make("div", [
    make("b", content.main_title?.title), content.main_title?.desc && make("p", content.main_title.desc),
    content.sub_title_text && make("p", content.sub_title_text, "soft"),
    pairs((content.horizontal_content_list ?? []).map((row) => [row.keyname, row.value ?? ""])),
  ], "bubble card" + lost);
  if (content.replace_text) {
    card.append(make("span", `✓ ${content.replace_text}`, "good"));
  } else {
    card.append(make("div", (content.button_list ?? []).map((button) => make("button", button.text, "", {
      type: "button", disabled: !button.key || !message.delivered,
      onclick: (click) => act(click.target, async () =>
        `${staffName(message.user_id)} 点了「${button.text}」`
          + await happen("click", { msgid: message.msgid, user_id: message.user_id, key: button.key })),
    })), "row"));
  }
  return card;
}
const phones = listOf("phones",
  (message) => [message.time, message.kind, message.user_id, message.external_user_id, message.msgid].join(),
  (message) => [message.customer, message.external_user_id, message.user_id, staffName(message.user_id), message.kind, KINDS[message.kind],
    JSON.stringify(message.content)].join(" "),
  (message) => {
    const from = message.kind === "welcome" ? [`${message.customer} 的手机`, `${staffName(message.user_id)} 发来`]
      : [`${staffName(message.user_id)} 的手机`, "应用发来"];
    return make("li", [make("div", [
      make("span", from[0], "cut", { title: from[0] }), make("span", `${from[1]}${KINDS[message.kind] ?? message.kind}`, "cut"),
      !message.delivered && make("span", "超频，没有送达", "bad"), make("time", clock(message.time)),
    ], "from"), bubble(message)]);
  });

const contacts = listOf("contacts", (contact) => `${contact.external_user_id} ${contact.user_id}`,
  (contact) => [contact.customer, contact.external_user_id, contact.user_id, staffName(contact.user_id), contact.state,
    channelNames.get(contact.state), contact.remark, contact.description, STANDINGS[contact.standing], ...contact.tags].join(" "),
  (contact) => {
    const isFriend = contact.standing === "friends", gone = isFriend ? "" : "gone";
    const fields = { UserID: contact.user_id, ExternalUserID: contact.external_user_id };
    const ending = (text, type, said) => make("button", text, "", {
      type: "button", onclick: (click) => act(click.target, async () => said + await happen(type, fields)),
    });
    const member = staffName(contact.user_id);
    return make("li", [make("details", [
      make("summary", [
        make("span", clock(contact.created_at * 1000), "time"), cut(contact.customer, gone), cut(`→ ${member}`),
        cut(contact.state ? channelNames.get(contact.state) ?? contact.state : "直接添加", "soft way"),
      ], "line"),
      make("div", [
        contact.tags.length > 0 && make("div", contact.tags.map((tag) => make("span", tag)), "tags"),
        !isFriend && make("span", STANDINGS[contact.standing], "bad"),
        pairs([["客户 ID", contact.external_user_id], ["成员 ID", contact.user_id], ["state", contact.state ?? "–"],
          ["备注", contact.remark || "–"], ["描述", contact.description || "–"]]),
        contact.standing !== "over" && make("div", [
          isFriend && ending("客户删除成员", "del_follow_user", `${contact.customer} 删除了 ${member}`),
          ending("成员删除客户", "del_external_contact", `${member} 删除了 ${contact.customer}`),
        ], "row"),
      ], "more"),
    ])]);
  }, CONTACTS);
const lists = [callbacks, calls, phones, contacts];

/* ---- the company ---- */

const drawn = new Map();
/* Says whether something is to be drawn: what has not changed stays, with its focus and open menus. */
function isNew(what, value) {
  const now = JSON.stringify(value);
  if (drawn.get(what) === now) return false;
  drawn.set(what, now);
  return true;
}

function drawCompany(corp) {
  staff = new Map(corp.members.map((member) => [member.user_id.toLowerCase(), member.name]));
  channelNames = new Map(corp.channels.map((channel) => [channel.state, channel.name]));
  contacts.take(corp.contacts.reverse());
  write("name", `${corp.name} · 企业微信沙箱`);
  document.title = `${corp.name} · 企业微信沙箱`;
  if (isNew("members", [corp.departments, corp.members])) drawMembers(corp);
  if (isNew("codes", [corp.channels, corp.contact_ways, [...staff]])) drawCodes(corp);
  if (isNew("tags", corp.tag_groups)) {
    write("count-tags", corp.tag_groups.reduce((sum, group) => sum + group.tags.length, 0));
    at("tags").replaceChildren(...corp.tag_groups.map((group) =>
      make("li", [make("div", group.name), make("div", group.tags.map((tag) => make("span", tag.name)), "tags")])));
  }
  const ways = corp.contact_ways.map((way) => [`way ${way.config_id}`, way.remark || way.state || way.config_id]);
  const channels = corp.channels.map((channel) => [`state ${channel.state}`, channel.name]);
  if (isNew("scan", [ways, channels])) {
    const what = at("scan-what"), chosen = what.value;
    const group = (label, entries) => make("optgroup", options(entries), "", { label });
    what.replaceChildren(group("渠道", channels));
    if (ways.length > 0) what.append(group("接口创建的活码", ways));
    if ([...what.options].some((option) => option.value === chosen)) what.value = chosen;
  }
}

function drawMembers({ departments, members }) {
  write("count-members", `${members.length} 人`);
  const tree = at("members"), isFirst = tree.children.length === 0;
  const opened = new Set([...tree.querySelectorAll("details[open]")].map((branch) => branch.dataset.id));
  const focused = tree.contains(document.activeElement) ? document.activeElement.parentElement.dataset.id : undefined;
  const branch = (department) => {
    const here = members.filter((member) => member.departments.includes(department.id));
    const below = departments.filter((one) => one.parent_id === department.id).map(branch);
    const sum = here.reduce((all, member) => all + member.customers, 0) + below.reduce((all, one) => all + one.sum, 0);
    const leaves = here.map((member) => make("div", [
      make("span", `${member.name}${member.is_leader ? "（主管）" : ""}`, "", { title: `${member.user_id} ${member.position}` }),
      make("small", `${number(member.customers)} 位客户`),
    ], "leaf"));
    const head = make("summary", [cut(department.name), make("small", number(sum))]);
    const node = make("details", [head, ...below.map((one) => one.node), ...leaves], "branch");
    node.dataset.id = department.id;
    node.open = isFirst ? department.parent_id === 0 : opened.has(String(department.id));
    return { node, sum };
  };
  tree.replaceChildren(...departments.filter((one) => one.parent_id === 0).map((one) => branch(one).node));
  if (focused) tree.querySelector(`[data-id="${focused}"] > summary`)?.focus();
}

function drawCodes({ channels, contact_ways: ways }) {
  write("count-channels", channels.length);
  write("count-ways", ways.length);
  const people = (ids) => make("p", ids.map(staffName).join("、") || "没有成员");
  const code = (name, state, customers) => make("div", [make("span", name), " ", make("code", state, "soft"),
    customers !== undefined && make("small", ` ${number(customers)} 位客户`)]);
  at("channels").replaceChildren(...channels.map((channel) =>
    make("li", [code(channel.name, channel.state), people(channel.staff)])));
  at("ways").replaceChildren(...ways.map((way) =>
    make("li", [code(way.remark || way.config_id, way.state, way.customers), people(way.members)])));
  if (ways.length === 0) at("ways").append(make("li", "还没有。用 add_contact_way 创建。", "soft"));
}

/* ---- faults ---- */

/* Replaces what goes wrong by what `change` makes of it. */
async function changeFaults(change) {
  const faults = await ask("faults");
  change(faults);
  drawFaults(await ask("faults", "PUT", faults));
}
function wordsOf(fault) {
  const words = [];
  if (fault.error_rate > 0) words.push(`${share(fault.error_rate)} 报错 ${fault.errcode}`);
  if (fault.latency_ms > 0) words.push(`慢 ${fault.latency_ms / 1000} 秒`);
  if (fault.close_after_accept > 0) words.push(`${share(fault.close_after_accept)} 办了但断开`);
  if (fault.timeout_after_accept > 0) words.push(`${share(fault.timeout_after_accept)} 办了但不应答`);
  return words.join("，");
}
function drawFaults(faults) {
  if (!isNew("faults", faults)) return;
  const chip = (text, end) => make("li", [make("span", text), make("button", "恢复", "", {
    type: "button", ariaLabel: `恢复：${text}`,
    onclick: (click) => act(click.target, async () => { await changeFaults(end); return `已恢复：${text}`; }),
  })]);
  const chips = [
    ...Object.keys(CALLBACK_FAULTS).filter((kind) => faults.callbacks[kind] > 0).map((kind) =>
      chip(`回调 ${share(faults.callbacks[kind])} ${CALLBACK_FAULTS[kind]}`, (all) => { all.callbacks[kind] = 0; })),
    ...Object.entries(faults.api).filter(([, fault]) => wordsOf(fault)).map(([path, fault]) =>
      chip(`${path === "*" ? "其余接口" : path} ${wordsOf(fault)}`, (all) => { delete all.api[path]; })),
  ];
  at("faults").replaceChildren(...chips);
  at("heal").hidden = chips.length === 0;
}
const onSubmit = (form, deed) => at(form).addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter ?? at(form).querySelector("button"), deed);
});
at("fault-what").append(...options(API_FAULTS));
onSubmit("api-fault", async () => {
  const where = at("fault-where").value, part = Number(at("fault-share").value);
  const [, text, fault] = API_FAULTS.find(([value]) => value === at("fault-what").value);
  const set = typeof fault === "string" ? { [fault]: part } : fault.errcode ? { ...fault, error_rate: part } : fault;
  await changeFaults((all) => { all.api[where] = { ...all.api[where], ...set }; });
  return `已注入：${where === "*" ? "全部接口" : where} ${text}`;
});
onSubmit("callback-fault", async () => {
  const kind = at("callback-what").value, part = Number(at("callback-share").value);
  await changeFaults((all) => { all.callbacks[kind] = part; });
  return `已注入：回调 ${share(part)} ${CALLBACK_FAULTS[kind]}`;
});
at("fault-what").addEventListener("change", () => { at("fault-share").disabled = at("fault-what").value === "slow"; });
const once = (flag, text) => (click) => act(click.target, async () => {
  await changeFaults((all) => { all[flag] = true; });
  return text;
});
at("revoke").addEventListener("click", once("revoke_tokens", "所有 access_token 已失效"));
at("forget").addEventListener("click", once("forget_media", "所有 media_id 已失效"));
at("heal").addEventListener("click", (click) => act(click.target, async () => {
  drawFaults(await ask("faults", "PUT", {}));
  return "没有故障了";
}));

/* ---- what else one can do ---- */

onSubmit("scan", async () => {
  const what = at("scan-what"), times = Number(at("scan-times").value);
  const [kind, ...rest] = what.value.split(" ");
  const fields = { [kind === "way" ? "config_id" : "state"]: rest.join(" ") };
  const problem = await happen("scan", fields, times);
  return `${times} 位客户扫了「${what.selectedOptions[0].text}」${problem}`;
});
onSubmit("connect", async () => {
  const changed = await ask(`apps/${app}`, "PUT", { callback_url: at("callback-url").value });
  drawApp(changed);
  return "回调地址已保存";
});
at("verify").addEventListener("click", (click) => act(click.target, async () => {
  const { verified, reason, ms } = await ask(`apps/${app}/verify`, "POST");
  if (!verified) throw new Error(reason);
  return `验证通过，${ms} ms`;
}));
let url;
function drawApp(shown) {
  app = shown.app;
  url = shown.callback_url;
  if (document.activeElement !== at("callback-url")) at("callback-url").value = url ?? "";
  if (!isNew("app", shown)) return;
  const entries = [["企业 ID", shown.corp_id], ["AgentId", shown.agent_id], ["Secret", shown.secret], ["Token", shown.token],
    ["EncodingAESKey", shown.encoding_aes_key]];
  at("credentials").replaceChildren(...pairs(entries).children);
}
function setPaused(paused) {
  isPaused = paused;
  at("pause").setAttribute("aria-pressed", String(paused));
  write("pause", paused ? "继续" : "暂停");
  for (const list of lists) list.take([]);
}
at("pause").addEventListener("click", () => setPaused(!isPaused));
at("filter").addEventListener("input", () => {
  wanted = at("filter").value.trim().toLowerCase();
  for (const list of lists) list.show();
});
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    at("filter").focus();
  } else if (event.key === "Escape" && event.target === at("filter")) {
    at("filter").value = "";
    at("filter").dispatchEvent(new Event("input"));
  }
});

/* ---- looking again and again ---- */

let run = "", seen = { callbacks: 0, calls: 0, messages: 0 };
const past = []; // counters of the last ten seconds
let spoken = { time: 0 };

function drawCounters(now) {
  for (const name of ["customers", "welcomes", "messages", "calls", "failed_calls", "attempts", "retried"]) {
    write(`n-${name}`, number(now[name]));
  }
  at("n-failed_calls").className = now.failed_calls > 0 ? "bad" : "";
  at("n-retried").className = now.retried > 0 ? "bad" : "";
  write("r-vanished", now.vanished > 0 ? `超频丢弃 ${number(now.vanished)}` : "");
  write("r-given_up", now.given_up > 0 ? `放弃 ${number(now.given_up)}` : "");
  const time = performance.now();
  past.push({ time, ...now });
  while (past.length > 1 && time - past[0].time > 10_000) past.shift();
  for (const name of ["customers", "calls"]) {
    const rate = (now[name] - past[0][name]) / Math.max((time - past[0].time) / 1000, 1);
    write(`r-${name}`, rate > 0 ? `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/秒` : "");
  }
  if (time - spoken.time < SPOKEN_EVERY) return;
  const more = (name) => now[name] - (spoken[name] ?? now[name]);
  const said = [["customers", "位客户到来"], ["welcomes", "条欢迎语"], ["failed_calls", "次接口报错"], ["given_up", "条回调放弃"]];
  const parts = said.filter(([name]) => more(name) > 0).map(([name, words]) => `${more(name)} ${words}`);
  if (parts.length > 0) write("spoken", parts.join("，"));
  spoken = { time, ...now };
}

async function look() {
  if (at("fault-where").options.length === 0) {
    const { endpoints } = await ask("company");
    at("fault-where").append(...options([["*", "全部接口"], ...endpoints.map((path) => [path, path])]));
  }
  const query = new URLSearchParams({ run, ...seen, most: 100 });
  const [news, corp, apps, faults] = await Promise.all([ask("news?" + query), ask("corp"), ask("apps"), ask("faults")]);
  if (news.run !== run) {
    if (run) for (const list of lists) list.clear();
    run = news.run;
    seen = { callbacks: 0, calls: 0, messages: 0 };
    past.length = 0;
  }
  drawApp(apps[0]);
  drawFaults(faults);
  drawCompany(corp);
  callbacks.take(news.callbacks.items, news.callbacks.first - seen.callbacks);
  calls.take(news.calls.items.map((call, i) => ({ id: news.calls.first + i, ...call })), news.calls.first - seen.calls);
  if (news.messages.items) phones.take(news.messages.items);
  seen = {
    callbacks: news.callbacks.first + news.callbacks.items.length,
    calls: news.calls.first + news.calls.items.length,
    messages: news.messages.changes,
  };
  drawCounters(news.counters);
}

let next, isLooking = false;
async function watch() {
  clearTimeout(next);
  if (isLooking) return;
  isLooking = true;
  try {
    await look();
    at("light").className = isPaused ? "light" : "light on";
    write("state", isPaused ? "已暂停：数字照走，列表不动" : url ? `回调地址 ${url}` : "还没有回调地址：在「接入信息」里填");
  } catch {
    at("light").className = "light off";
    write("state", "连接断开，正在重试…");
  } finally {
    isLooking = false;
    next = setTimeout(watch, document.hidden ? EVERY_HIDDEN : EVERY);
  }
}
function soon() {
  clearTimeout(next);
  next = setTimeout(watch, 150);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
watch();
