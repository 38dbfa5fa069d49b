// Keeps the learner's key in a cookie of this browser, unless there is a key already. Draws nothing.
export default function ({ data }) {
  const kept = document.cookie.split("; ").find((each) => each.startsWith(`${data.cookie}=`));
  if (/=[0-9a-f]{32}$/.test(kept ?? "")) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${data.cookie}=${data.key}; path=/; max-age=31536000; samesite=lax${secure}`;
}
