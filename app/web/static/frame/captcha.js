/** Captchas: another picture, a larger one, a fresh one before the old one is too old to be used. */
const RENEW = 8 * 60 * 1000;

/** Puts a captcha {token, image_url} into its box; none empties and hides it. */
export function showCaptcha(box, captcha) {
  const input = box.querySelector("[name=captcha]");
  const image = box.querySelector("[data-captcha-image]");
  input.required = Boolean(captcha);
  input.value = "";
  box.querySelector("[data-captcha-token]").value = captcha?.token ?? "";
  if (captcha) image.src = captcha.image_url;
}

async function renew(box) {
  const url = box.querySelector("[data-captcha-again]").href;
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  showCaptcha(box, (await response.json()).captcha);
}

document.addEventListener("click", async (event) => {
  const box = event.target.closest?.("[data-captcha-box]");
  if (!box) return;
  const again = event.target.closest("[data-captcha-again]");
  const larger = event.target.closest("[data-captcha-larger]");
  if (again) {
    event.preventDefault();
    await renew(box).catch(() => location.reload());
    box.querySelector("[name=captcha]").focus();
  }
  if (larger) {
    const large = box.classList.toggle("is-large");
    larger.setAttribute("aria-pressed", String(large));
  }
});

setInterval(() => {
  for (const box of document.querySelectorAll("[data-captcha-box]")) {
    const shown = box.querySelector("[data-captcha-token]").value;
    if (shown && !box.querySelector("[name=captcha]").value) renew(box).catch(() => {});
  }
}, RENEW);
