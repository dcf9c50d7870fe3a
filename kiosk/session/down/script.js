// The page for a portal that is gone: it speaks, asks every three seconds whether
// the portal is back, and goes back by itself. Nobody is left signed in: after
// three minutes without a touch an open session says goodbye.
(() => {
  "use strict";
  const body = document.body;
  const line = document.getElementById("line");
  const voice = document.getElementById("voice");
  const levels = [0.0631, 0.1259, 0.2512, 0.5012, 1];
  let level = Number(sessionStorage.getItem("level") || 3);
  let said = { voice: body.dataset.voice, caption: line.textContent };
  let touched = Date.now();

  function speak(what) {
    said = what;
    line.textContent = what.caption;
    voice.src = what.voice;
    voice.play().catch(() => body.classList.remove("speaking"));
  }
  for (const name of ["ended", "pause", "error"]) voice.addEventListener(name, () => body.classList.remove("speaking"));
  voice.addEventListener("playing", () => body.classList.add("speaking"));

  function setLevel(n) {
    level = Math.min(5, Math.max(1, n));
    voice.volume = levels[level - 1];
    sessionStorage.setItem("level", String(level));
    document.querySelectorAll(".level i").forEach((bar, i) => bar.classList.toggle("on", i < level));
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("button");
    if (!target) return;
    if (target.matches(".quieter")) setLevel(level - 1);
    if (target.matches(".louder")) setLevel(level + 1);
    if (!target.matches(".call")) return speak(said);
    const word = document.getElementById("word");
    if (word && target.dataset.phone) {
      word.textContent = target.dataset.phone;
      word.dir = "ltr";
    }
    speak(target.dataset);
  });
  document.addEventListener("pointerdown", () => { touched = Date.now(); });

  async function ask() {
    const answer = await fetch(body.dataset.up, { cache: "no-store" }).catch(() => null);
    if (answer && answer.ok) return location.replace(body.dataset.back);
    if (body.dataset.leave && Date.now() - touched > 180000) return location.replace(body.dataset.leave);
    setTimeout(ask, 3000);
  }
  function end() {
    sessionStorage.clear();
    location.replace(body.dataset.end);
  }

  setLevel(level);
  speak(said);
  if (body.dataset.up) setTimeout(ask, 3000);
  if (body.dataset.end) setTimeout(end, 8000);
})();
