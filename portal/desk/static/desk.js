// The desk works without this file. With it, a kiosk's call appears by itself, a
// paper's way to the server can be seen, and lists shorten while one types.
"use strict";
document.documentElement.classList.add("scripted");

const json = { Accept: "application/json" };

// Calls: asked for once a second. The text of a banner changes in place, so that
// the button under somebody's finger stays; only a new call is said aloud.
const calls = document.getElementById("calls");
const title = document.title;

function showCalls(list) {
  const gone = new Set(Array.from(calls.querySelectorAll(".call"), (form) => form.dataset.call));
  for (const call of list) {
    gone.delete(call.id);
    let form = calls.querySelector(`[data-call="${CSS.escape(call.id)}"]`);
    if (!form) {
      form = document.getElementById("call").content.firstElementChild.cloneNode(true);
      form.dataset.call = call.id;
      form.action = `/desk/calls/${encodeURIComponent(call.id)}/answer`;
      calls.append(form);
      document.getElementById("call-news").textContent = `${call.who} ${call.text}`;
    }
    form.querySelector("[data-who]").textContent = call.who;
    form.querySelector("[data-text]").textContent = call.text;
  }
  for (const id of gone) calls.querySelector(`[data-call="${CSS.escape(id)}"]`).remove();
  document.title = list.length ? `● Appel · ${title}` : title;
}

// Answers: only their number comes; who reads them asks for the page.
const waits = document.querySelector("[data-waits]");
let answers = -1;

function countAnswers(n) {
  const held = Number(waits.dataset.held);
  waits.querySelector("b").textContent = held + n;
  waits.hidden = held + n === 0;
  if (answers >= 0 && n > answers) {
    document.getElementById("answer-news").textContent = "Une réponse est arrivée.";
    document.getElementById("news")?.removeAttribute("hidden");
  }
  answers = n;
}

function sayLost(text, address) {
  if (calls.querySelector(".lost")) return;
  const line = document.createElement("p");
  line.className = "lost";
  line.setAttribute("role", "alert");
  line.textContent = text;
  if (address) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = " Entrer de nouveau";
    line.append(link);
  }
  calls.prepend(line);
}

let missed = 0;

async function pollCalls() {
  let next = 1000;
  try {
    const answer = await fetch(calls.dataset.poll, { headers: json, cache: "no-store" });
    if (answer.status === 401) {
      sayLost("Votre session est terminée. Les appels des bornes ne s’affichent plus ici.", (await answer.json()).next);
      return;
    }
    if (!answer.ok) throw new Error("status " + answer.status);
    const news = await answer.json();
    showCalls(news.calls);
    countAnswers(news.answers);
    missed = 0;
    calls.querySelector(".lost")?.remove();
  } catch {
    // A moment without the network is no news; ten seconds are.
    missed += 1;
    if (missed > 10) {
      next = 3000;
      sayLost("Le serveur ne répond plus. Les appels des bornes ne s’affichent plus ici.");
    }
  }
  setTimeout(pollCalls, next);
}

calls.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", headers: json });
    if (!answer.ok && answer.status !== 404) throw new Error("status " + answer.status);
    form.remove();
  } catch {
    form.querySelector("button").disabled = false;
  }
});
setTimeout(pollCalls, 1000);

// Upload: the file is looked at before it leaves, then sent with its progress
// shown. The server checks everything again.
const tellings = {
  empty: "Ce fichier est vide. Numérisez la feuille de nouveau, puis déposez-le.",
  large: "Ce fichier est trop lourd : 25 Mo au plus. Numérisez en 200 points par pouce, ou envoyez les pages en plusieurs papiers.",
  type: "Ce fichier n’est ni une photo JPEG ou PNG, ni un PDF, quel que soit son nom. Enregistrez-le dans un de ces trois formats.",
  cut: "L’envoi s’est arrêté avant la fin. Rien n’a été déposé. Vérifiez le réseau, puis recommencez.",
};

function tell(form, name, text) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const place = field ? field.querySelector(":scope > div") || field : form;
  const line = document.getElementById("told").content.firstElementChild.cloneNode(true);
  line.classList.toggle("top", !field);
  line.querySelector("span").textContent = text;
  field?.classList.add("wrong");
  if (field) {
    line.id = `${name}-problem`;
    place.append(line);
    field.querySelector("input, select").focus();
  } else {
    form.prepend(line);
  }
  line.scrollIntoView({ block: "nearest" });
}

function untell(form) {
  form.querySelectorAll(".problem").forEach((line) => line.remove());
  form.querySelectorAll(".wrong").forEach((field) => field.classList.remove("wrong"));
}

async function faultOf(file, max) {
  if (file.size === 0) return tellings.empty;
  if (file.size > max) return tellings.large;
  const head = Array.from(new Uint8Array(await file.slice(0, 1024).arrayBuffer()));
  const text = String.fromCharCode(...head);
  const known = text.startsWith("\xff\xd8\xff") || text.startsWith("\x89PNG\r\n\x1a\n") || text.includes("%PDF-");
  return known ? "" : tellings.type;
}

function send(form) {
  const bar = form.querySelector(".progress");
  const request = new XMLHttpRequest();
  const stop = (text) => {
    bar.hidden = true;
    form.querySelector(".row button").disabled = false;
    if (text) tell(form, "file", text);
  };
  request.upload.addEventListener("progress", (event) => {
    const part = Math.floor((100 * event.loaded) / event.total);
    bar.querySelector("progress").value = part;
    bar.querySelector("span").textContent = part < 100 ? `${part} %` : "Scellement…";
  });
  request.addEventListener("error", () => stop(tellings.cut));
  request.addEventListener("load", () => {
    let said = {};
    try {
      said = JSON.parse(request.responseText);
    } catch {
      said = { message: "Le serveur n’a pas compris. Rechargez la page, puis recommencez." };
    }
    if (said.next) {
      location.assign(said.next);
      return;
    }
    stop("");
    for (const [name, text] of Object.entries(said.problems || {})) tell(form, name, text);
    if (said.message) tell(form, said.field || "", said.message);
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  bar.hidden = false;
  form.querySelector(".row button").disabled = true;
  request.send(new FormData(form));
}

for (const form of document.querySelectorAll("[data-upload]")) {
  const drop = form.querySelector(".drop");
  const input = form.querySelector("input[type=file]");
  const max = Number(form.dataset.max);
  const look = async () => {
    untell(form);
    const fault = input.files[0] ? await faultOf(input.files[0], max) : "";
    if (fault) tell(form, "file", fault);
    return fault;
  };
  const name = form.querySelector("[data-file-name]");
  input.addEventListener("change", () => {
    name.textContent = input.files[0] ? input.files[0].name : "ou glissez-le ici";
    look();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await look())) send(form);
  });
  for (const type of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
    });
  }
  drop.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
}

// Days: what was typed is said back with its weekday, so that a slip is seen.
const inWords = new Intl.DateTimeFormat("fr-FR", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

for (const input of document.querySelectorAll("[data-echo]")) {
  const line = document.createElement("p");
  line.className = "echo";
  line.setAttribute("aria-live", "polite");
  input.after(line);
  const say = () => {
    const [, day, month, year] = (input.value.trim().match(/^(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})$/) || []).map(Number);
    const date = new Date(Date.UTC(year, month - 1, day));
    line.textContent = date.getUTCDate() === day && date.getUTCMonth() === month - 1 ? inWords.format(date) : "";
  };
  input.addEventListener("input", say);
  say();
}

// Search: rows whose names do not begin with what is typed go away meanwhile.
const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

for (const input of document.querySelectorAll("[data-filter]")) {
  const rows = document.querySelectorAll(`${input.dataset.filter} tbody tr`);
  input.addEventListener("input", () => {
    const wanted = plain(input.value).split(" ").filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const words = row.dataset.words.split(" ");
      row.hidden = !wanted.every((start) => words.some((word) => word.startsWith(start)));
      if (!row.hidden) shown += 1;
    }
    document.getElementById("none-found").hidden = shown > 0;
    document.getElementById("found-count").textContent = `${shown} sur ${rows.length}`;
  });
}

// A field that only matters for some answers is shown for those alone.
for (const part of document.querySelectorAll("[data-needs]")) {
  const [name, values] = part.dataset.needs.split(":");
  const update = () => {
    const chosen = document.querySelector(`input[name="${name}"]:checked`);
    part.hidden = !chosen || !values.split(" ").includes(chosen.value);
    for (const input of part.querySelectorAll("input")) input.required = !part.hidden;
  };
  for (const radio of document.querySelectorAll(`input[name="${name}"]`)) radio.addEventListener("change", update);
  update();
}
