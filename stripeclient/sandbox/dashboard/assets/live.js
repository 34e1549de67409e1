// Keeps the page up to date without losing the reader's place: the elements that
// are marked data-live are compared with a fresh copy of the page, and only what
// differs is changed.
"use strict";

const state = document.getElementById("live-state");
const pause = document.getElementById("live-pause");
const notice = document.getElementById("notice");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// show takes the live parts out of a page and puts them into this one.
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const focused = document.activeElement;
  const row = focused?.closest("[id^=row-], section")?.id;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) morph(part, fresh);
  }
  document.title = page.title;
  if (focused && !focused.isConnected && row) {
    // The button is gone after its work: stay where it was.
    document.getElementById(row)?.querySelector("a, button, [tabindex]")?.focus();
  }
  return page;
}

// morph makes old equal to fresh. Elements with an id are the same if the id is,
// and elements that have not changed are not touched.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const name of fresh.getAttributeNames()) {
    if (old.getAttribute(name) !== fresh.getAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
  }
  const wanted = new Set([...fresh.children].map((child) => child.id).filter(Boolean));
  for (const child of [...old.children]) {
    if (child.id && !wanted.has(child.id)) child.remove();
  }
  let at = old.firstChild;
  for (const child of fresh.childNodes) {
    const same = child.id
      ? [...old.children].find((c) => c.id === child.id)
      : at && !at.id && at.nodeName === child.nodeName && at;
    if (same) {
      while (at !== same) at = drop(at);
      at = same.nextSibling;
      const changes = !same.isEqualNode(child);
      morph(same, child);
      if (changes) flash(same);
    } else {
      flash(old.insertBefore(document.importNode(child, true), at));
    }
  }
  while (at) at = drop(at);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

// flash points a changed row out for a moment.
function flash(node) {
  if (node.nodeName !== "TR" || calm.matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--flash");
  node.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], 1600);
}

let fetching = false;
let again = false;

async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  while (again) {
    again = false;
    try {
      const answer = await fetch(location.href);
      if (answer.ok) show(await answer.text());
    } catch {
      break; // the stream reports when the sandbox is back
    }
  }
  fetching = false;
}

// A form is sent without leaving the page.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(form.action, { method: "POST", body });
    const page = show(await answer.text());
    notice.textContent = page.getElementById("notice").textContent;
  } catch {
    notice.textContent = "The sandbox does not respond.";
  }
});

let stream;

function listen() {
  stream?.close();
  if (document.hidden || pause.getAttribute("aria-pressed") === "true") return;
  stream = new EventSource("/_sandbox/live");
  stream.onopen = () => tell("Live");
  stream.onmessage = refresh;
  stream.onerror = () => tell("Not connected");
}

function tell(text) {
  state.textContent = text;
  state.dataset.state = text;
}

pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", paused);
  pause.textContent = paused ? "Resume" : "Pause";
  if (paused) tell("Paused");
  listen();
});
// A browser has few connections to a host: pages that nobody sees give theirs back.
document.addEventListener("visibilitychange", listen);
// On a phone the navigation scrolls sideways.
document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
pause.hidden = false;
tell("Connecting");
listen();
