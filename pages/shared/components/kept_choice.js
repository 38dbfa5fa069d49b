// Keeps a choice in a cookie of this browser. Draws nothing.
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${data.cookie}=${encodeURIComponent(data.value)}; path=/; max-age=31536000; samesite=lax${secure}`;
}
