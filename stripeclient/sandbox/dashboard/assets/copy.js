// The copy buttons put an id or a key on the clipboard. Without a script they
// are not shown.
"use strict";

const copied = document.getElementById("copied");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    copied.textContent = "The browser does not allow copying.";
    return;
  }
  copied.textContent = "Copied " + button.dataset.copy;
  const icon = button.querySelector("use");
  icon.setAttribute("href", "#check-icon");
  setTimeout(() => icon.setAttribute("href", "#copy-icon"), 1500);
});

document.documentElement.classList.add("scripted");
