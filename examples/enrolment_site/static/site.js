// The page: one button, the question, the form. Whatever comes from the service is set as text, never as HTML.
const TEXTS = {
  zh: {
    school: "示例学校", language: "English", title: "入学登记",
    what: "按一下按钮，在您手机的凭证库里同意，表格会自动填入已证明的内容。学校只看到表格上的这些。",
    ask: "用凭证库填写", open: "在本机打开凭证库", scan: "或者用另一部手机的凭证库扫码：",
    code: "凭证库会请您输入配对码：", until: "有效至", cancel: "取消", proven: "已证明", typed: "请填写",
    child: "孩子姓名", phone: "联系电话", submit: "提交登记", number: "登记已收到，编号：", again: "为下一个孩子登记",
    waiting: "等待您在凭证库里同意。", provenSaid: "已证明，请补全表格。", submitted: "登记完成。",
    declined: "您在凭证库里拒绝了，学校没有看到任何内容。可以重新开始。", expired: "时间已过，请重新开始。",
    closed: "配对码多次输错，请重新开始。", enrolled: "这个孩子今年已经登记过。", failed: "答复未被接受，请重新开始。",
    offline: "暂时连接不上，正在重试。", refused: "没有成功，请稍后再试。", invalid: "请填写孩子姓名和联系电话。",
    ended: "这张表格已失效，请重新开始。", none: "",
  },
  en: {
    school: "Example School", language: "中文", title: "Enrolment",
    what: "Press the button and agree in the vault on your phone. The form fills with what was proven, and the school sees no more than that.",
    ask: "Fill in from my vault", open: "Open the vault on this device", scan: "Or scan this with the vault on another phone:",
    code: "The vault asks for the pairing code:", until: "Valid until", cancel: "Cancel", proven: "Proven", typed: "Please fill in",
    child: "Child's name", phone: "Phone", submit: "Enrol", number: "The enrolment has arrived, number:", again: "Enrol another child",
    waiting: "Waiting until you agree in your vault.", provenSaid: "Proven. Please complete the form.", submitted: "Enrolled.",
    declined: "You declined in the vault, and the school has seen nothing. You can begin again.", expired: "The time is over. Please begin again.",
    closed: "Wrong pairing codes have closed the question. Please begin again.", enrolled: "This child is enrolled for this year already.",
    failed: "The answer was not accepted. Please begin again.", offline: "No connection at the moment, trying again.",
    refused: "That did not work. Please try again later.", invalid: "Please fill in the child's name and a phone number.",
    ended: "This form is no longer valid. Please begin again.", none: "",
  },
};
const at = (id) => document.getElementById(id);
let language = (navigator.language || "zh").startsWith("zh") ? "zh" : "en";
let told = { state: "none" };
let said = "";
let turn = 0;

function draw() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const texts = TEXTS[language];
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = texts[each.dataset.text];
  document.title = `${texts.title} · ${texts.school}`;
  const { state } = told;
  const text = texts[said || (state === "proven" ? "provenSaid" : state)] ?? texts.failed;
  if (at("said").textContent !== text) at("said").textContent = text;
  at("question").hidden = state !== "waiting";
  at("form").hidden = state !== "proven";
  at("done").hidden = state !== "submitted";
  at("begin").hidden = ["waiting", "proven", "submitted"].includes(state);
  if (state === "waiting") drawQuestion(); else forgetQuestion();
  drawProven();
  at("number").textContent = told.number ?? "";
}

function drawQuestion() {
  at("link").href = told.link;
  at("code").textContent = told.code;
  at("expires").dateTime = told.expires;
  at("expires").textContent = new Date(told.expires).toLocaleTimeString(language === "zh" ? "zh-CN" : "en");
  const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const [svg, path, size] = [make("svg"), make("path"), told.qr.size];
  svg.setAttribute("viewBox", `-4 -4 ${size + 8} ${size + 8}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", TEXTS[language].scan);
  path.setAttribute("d", told.qr.path);
  svg.append(path);
  at("qr").replaceChildren(svg);
}

function forgetQuestion() {
  at("link").removeAttribute("href");
  at("code").textContent = "";
  at("qr").replaceChildren();
}

function drawProven() {
  const rows = (told.proven ?? []).flatMap((each) => {
    const [label, value] = [document.createElement("dt"), document.createElement("dd")];
    [label.textContent, value.textContent] = each[language];
    value.dataset.proven = each.name;
    return [label, value];
  });
  at("proven").replaceChildren(...rows);
}

async function call(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const document_ = answer.status === 204 ? { state: "none" } : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(document_.reason), { reason: document_.reason });
  return document_;
}

function show(document_, focus) {
  const before = told.state;
  told = document_;
  said = "";
  draw();
  if (told.state !== before && focus) at({ waiting: "link", proven: "child", submitted: "again" }[told.state] ?? "ask").focus();
}

// One loop watches at a time: whoever acts begins a new turn, and the former one ends by itself.
async function watch() {
  const mine = ++turn;
  while (told.state === "waiting" && mine === turn) {
    try {
      const next = await call("GET", "/enrolment?known=waiting");
      if (mine === turn) show(next, true);
    } catch {
      if (mine !== turn) return;
      said = "offline";
      draw();
      await new Promise((resolve) => { setTimeout(resolve, 2000); });
    }
  }
}

async function act(button, method, path, body) {
  button.disabled = true;
  turn += 1;
  try {
    show(await call(method, path, body), true);
  } catch (error) {
    said = error.reason === "ATTEMPT_ENDED" ? "ended" : error.reason?.endsWith("_INVALID") ? "invalid" : "refused";
    if (said === "ended") told = { state: "none" };
    draw();
  } finally {
    button.disabled = false;
    watch();
  }
}

at("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; draw(); });
at("ask").addEventListener("click", () => act(at("ask"), "POST", "/enrolment", {}));
at("cancel").addEventListener("click", () => act(at("cancel"), "DELETE", "/enrolment"));
at("again").addEventListener("click", () => { at("form").reset(); act(at("again"), "DELETE", "/enrolment"); });
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = { child: at("child").value, phone: at("phone").value };
  act(at("submit"), "POST", "/enrolment/form", { ...typed, attempt: told.attempt });
});
// A page that comes back from the browser's cache, or is loaded again, asks how the question stands.
addEventListener("pageshow", async () => {
  try { show(await call("GET", "/enrolment"), false); } catch { said = "offline"; draw(); }
  watch();
});
draw();
