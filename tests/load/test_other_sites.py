"""What a page of another site can make a learner's browser send: it is refused by the real server."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from pages.shared.components import browser_key

from .server import Server, running_server

pytestmark = pytest.mark.xdist_group("load")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("sites"), LLM_LAB_SERVE="0") as running:
        yield running


def test_a_page_of_another_site_cannot_open_a_session(server: Server) -> None:
    address = server.url.replace("http", "ws") + "/_stcore/stream"
    with pytest.raises(InvalidStatus) as refused, connect(address, origin=Origin("http://evil.example")):
        pass
    assert refused.value.response.status_code == 403
    with connect(address, origin=Origin(server.url)) as ours:
        assert ours.ping().wait(10)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_file_cannot_be_sent_or_removed_without_the_token_of_our_own_pages(server: Server, method: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ntext\r\n--x--\r\n'
    request = urllib.request.Request(
        f"{server.url}/_stcore/upload_file/session/file",
        data=form if method == "PUT" else None,
        method=method,
        headers={"Origin": "http://evil.example", "Content-Type": "multipart/form-data; boundary=x"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    refused.value.close()
    assert refused.value.code == 403


def test_the_learners_cookie_stays_with_our_site() -> None:
    script = Path(browser_key.__file__).with_suffix(".js").read_text("utf-8")
    assert "samesite=lax" in script
