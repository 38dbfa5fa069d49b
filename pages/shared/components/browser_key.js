// Keeps the learner's key in a cookie of this browser, unless there is one already. Draws nothing.
export default function ({ data }) {
  const there = document.cookie.split("; ").some((each) => each.startsWith(`${data.cookie}=`));
  if (there && !data.replace) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${data.cookie}=${data.key}; path=/; max-age=31536000; samesite=lax${secure}`;
}
