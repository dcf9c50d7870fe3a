// What a kiosk page does beyond links and forms: it speaks, it tells the first
// touch from the second, it counts the time somebody is away, and it walks
// through the picture code. Without this file a page still shows everything.
(() => {
  "use strict";
  const body = document.body;
  const voice = document.getElementById("voice");
  const line = document.getElementById("line");
  const still = document.getElementById("still");
  const all = (selector, from) => [...(from || document).querySelectorAll(selector)];
  const page = body.dataset.page;

  // One voice at a time: a touch cuts the one before.
  const own = { voice: body.dataset.voice, caption: line ? line.textContent : "" };
  let now = own;
  function speak(said) {
    now = said;
    const target = still.hidden ? line : document.getElementById("still-line");
    if (target && target.textContent !== said.caption) target.textContent = said.caption;
    fit(target);
    if (!said.voice) return;
    voice.pause();
    voice.src = said.voice;
    voice.play().catch(() => body.classList.remove("speaking"));
  }
  // The title, which the accessibility tree tells, says whether a voice speaks or
  // was heard to its end.
  const title = document.title;
  const sound = (sign) => { document.title = sign + title; };
  for (const name of ["ended", "pause", "error", "emptied"]) voice.addEventListener(name, () => body.classList.remove("speaking"));
  voice.addEventListener("ended", () => sound("✓ "));
  voice.addEventListener("playing", () => { body.classList.add("speaking"); sound("♪ "); });

  // A long sentence takes smaller letters rather than a third line.
  function fit(target) {
    if (!target) return;
    target.classList.remove("long", "longer");
    for (const size of ["long", "longer"]) if (target.offsetHeight > 84) target.classList.add(size);
  }

  // Five steps of 6 dB. A new person starts at three: the goodbye forgets.
  const levels = [0.0631, 0.1259, 0.2512, 0.5012, 1];
  let level = Number(sessionStorage.getItem("level") || 3);
  function setLevel(n) {
    level = Math.min(5, Math.max(1, n));
    voice.volume = levels[level - 1];
    sessionStorage.setItem("level", String(level));
    all(".level i").forEach((bar, i) => bar.classList.toggle("on", i < level));
  }

  // First touch speaks, second acts. What has no voice of its own acts at once.
  function touch(target, event) {
    if (target.dataset.voice && !target.classList.contains("said")) {
      event.preventDefault();
      all(".said").forEach((other) => other.classList.remove("said"));
      target.classList.add("said");
      speak({ voice: target.dataset.voice, caption: target.dataset.caption });
      return;
    }
    act(target, event);
  }
  function act(target, event) {
    switch (target.dataset.act) {
      case "again": speak(now); break;
      case "quieter": setLevel(level - 1); speak(now); break;
      case "louder": setLevel(level + 1); speak(now); break;
      case "here": wake(); speak(own); break;
      case "repeat": speak({ voice: target.dataset.voice, caption: target.dataset.caption }); break;
      case "play": speak({ voice: target.dataset.play, caption: target.dataset.playCaption }); break;
      case "correct": takeBack(); break;
      case "pick": pick(target); break;
      default:
        if (target.tagName === "A" || target.type === "submit") busy(event);
    }
  }
  document.addEventListener("click", (event) => {
    const target = event.target.closest("button, a");
    if (page === "goodbye" && !target) return end();
    if (target) touch(target, event);
  });

  // Nothing is sent twice, and a wait of more than a second is said so.
  let leaving = false;
  function busy(event) {
    if (leaving) return event.preventDefault();
    leaving = true;
    setTimeout(() => body.classList.add("busy"), 1000);
    setTimeout(() => { leaving = false; body.classList.remove("busy"); }, 30000);
  }
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  for (const name of ["contextmenu", "dragstart"]) document.addEventListener(name, (event) => event.preventDefault());
  document.addEventListener("touchstart", () => {}, { passive: true });

  // Somebody away: after data-idle seconds the question, then the countdown.
  // Neither runs while a voice speaks.
  const idleAfter = Number(body.dataset.idle), countdown = Number(body.dataset.countdown);
  let quiet = 0, left = countdown, before = Date.now();
  const speaking = () => body.classList.contains("speaking");
  const question = { voice: still.dataset.voice, caption: still.dataset.caption };
  // What lies under the question cannot be touched.
  function cover(on) {
    still.hidden = !on;
    body.classList.toggle("away", on);
    for (const part of all("main, body > .top")) part.inert = on;
  }
  function wake() {
    quiet = 0;
    if (still.hidden) return;
    cover(false);
  }
  function ask() {
    cover(true);
    left = countdown;
    speak(question);
  }
  function away() {
    const t = Date.now(), passed = (t - before) / 1000;
    before = t;
    if (speaking() || leaving) return;
    if (still.hidden) {
      quiet += passed;
      if (quiet >= idleAfter) ask();
      return;
    }
    const was = left;
    left = Math.max(0, left - passed);
    document.getElementById("left").textContent = String(Math.ceil(left));
    document.getElementById("ring").setAttribute("stroke-dasharray", (100 * left / countdown).toFixed(1) + " 100");
    if (was > 10 && left <= 10) speak(question);
    if (left === 0) {
      leaving = true;
      document.getElementById("idle-leave").submit();
    }
  }
  // The rest screen has nobody to ask: it goes back to the first language.
  function forget() {
    const form = document.getElementById("forget");
    const t = Date.now();
    quiet += (t - before) / 1000;
    before = t;
    if (form && quiet >= 60 && !leaving) {
      leaving = true;
      form.submit();
    }
  }
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => { if (still.hidden) quiet = 0; });

  // The code: the same nine for a step, a tick for every touch, no highlight,
  // and the answer only after the fifth.
  const pads = all(".pad"), dots = all(".dots-code i"), picks = [];
  const tick = document.getElementById("tick");
  function showStep() {
    pads.forEach((pad, i) => { pad.hidden = i !== picks.length; });
    dots.forEach((dot, i) => {
      dot.classList.toggle("full", i < picks.length);
      dot.classList.toggle("next", i === picks.length);
    });
  }
  function tap() {
    if (!tick) return;
    tick.currentTime = 0;
    tick.volume = voice.volume;
    tick.play().catch(() => {});
  }
  function pick(key) {
    if (picks.length === pads.length) return;
    voice.pause();
    tap();
    picks.push(key.value);
    if (picks.length < pads.length) return showStep();
    const form = document.getElementById("picks");
    picks.forEach((name, i) => { form.elements["p" + (i + 1)].value = name; });
    dots.forEach((dot) => { dot.classList.add("full"); dot.classList.remove("next"); });
    leaving = true;
    setTimeout(() => body.classList.add("busy"), 1000);
    form.submit();
  }
  function takeBack() {
    if (leaving || picks.length === 0) return;
    tap();
    picks.pop();
    showStep();
  }

  // What comes from outside: an enrolment for this kiosk, the desk's answer to a
  // call, the portal that is back.
  let failures = 0;
  async function poll() {
    try {
      const answer = await fetch("state", { cache: "no-store" });
      if (!answer.ok) throw new Error("state");
      const state = await answer.json();
      failures = 0;
      if (page === "network") return location.replace("rest");
      if (page === "rest" && state.enrolment) location.replace("../-/enrol");
      if (page === "rest") document.getElementById("enrol").hidden = !state.left;
      if (page === "called" && state.call !== body.dataset.call) return location.replace("called");
    } catch {
      failures++;
      if (page === "rest" && failures === 3) return location.replace("problem?what=network");
    }
    setTimeout(poll, 1000);
  }

  // An ordinary browser in the place of the kiosk's window asks where to go after
  // a card was shown; the window itself is told by its program.
  async function follow() {
    try {
      const answer = await fetch("../-/next", { cache: "no-store" });
      if (answer.status === 200) return location.assign((await answer.json()).go);
      if (answer.status === 204) setTimeout(follow, 100);
    } catch {
      setTimeout(follow, 2000);
    }
  }

  function end() {
    if (leaving) return;
    leaving = true;
    sessionStorage.clear();
    location.replace("../-/end");
  }

  setLevel(level);
  speak(own);
  if (pads.length) showStep();
  if (idleAfter > 0) setInterval(away, 250);
  if (page === "rest") setInterval(forget, 1000);
  if (["rest", "called", "network"].includes(page)) setTimeout(poll, 1000);
  if (["rest", "stock", "problem", "network"].includes(page)) follow();
  if (page === "goodbye" || page === "ended") setTimeout(end, Number(body.dataset.end) * 1000);
})();
