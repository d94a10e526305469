"""Pages in a browser, and what they did while they were open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

NODE_MODULES = Path(__file__).parent / "node_modules"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]

Open: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser; tests skip where it, or what drives it, is missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine: tests/run.sh installs the Debian package chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def module(path: str) -> Path:
    """A file of an npm package; tests skip where it is not installed."""
    file = NODE_MODULES / path
    if not file.exists():
        pytest.skip(f"{path} is missing: tests/run.sh installs it by npm")
    return file


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Any:
    """Open the text of a page; when it is closed it must have asked for nothing and complained of nothing."""

    @contextmanager
    def open_page(
        text: str, *, width: int = 1200, dark: bool = False, script: bool = True, anchor: str = ""
    ) -> Iterator[Any]:
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            permissions=["clipboard-read", "clipboard-write"],
        )
        page = context.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url != address else None)
        address = file.as_uri()
        page.goto(address + anchor)
        yield page
        context.close()
        assert trouble == []

    return open_page
