"""Next steps in the words of a product: its menus and commands, one data file a product.

A file has the product's name, whether its steps were tried or are from documentation only, and steps, each
for some causes or findings. To add a product, add a file; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ocsp_pcap.explain.site import Proxy, Source

UNTRIED = " (from the documentation, not tried)"


class ProductStep(NamedTuple):
    """One thing to do on a product."""

    codes: frozenset[str]
    """Causes and findings that it is for."""
    text: str
    done: str | None = None
    """Key of the site file that says, where true, that this is done already; ``not KEY``: where false."""
    of_maker: bool = False
    """It is about the proxy that made the certificate, not about the one that received it."""

    def is_done(self, proxy: Proxy) -> bool:
        """Tell whether the site says that this is done already."""
        if self.done is None:
            return False
        return getattr(proxy, self.key) is (not self.done.startswith("not "))

    @property
    def key(self) -> str:
        """The key of the site file that ``done`` is about."""
        return (self.done or "").removeprefix("not ")


class Product(NamedTuple):
    """One product, and what to do on it."""

    name: str
    tried: bool
    aliases: tuple[str, ...]
    steps: tuple[ProductStep, ...]


def known_products() -> list[str]:
    """Return the names by which the site file calls the products, sorted."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.toml"))


@cache
def product(name: str) -> Product | None:
    """Return a product by the site file's name of it, or one of its other names; None: it is not known."""
    wanted = name.strip().lower()
    if wanted in known_products():
        return _read(wanted)
    return next((found for known in known_products() if wanted in (found := _read(known)).aliases), None)


def product_steps(proxy: Proxy, code: str, *, of_maker: bool = False) -> tuple[str, ...]:
    """Return what to do on a proxy's product about a cause or finding; empty: the product is not known.

    ``of_maker``: of a proxy that made a certificate, what is to be known of such certificates.
    """
    found = product(proxy.product) if proxy.product else None
    return () if found is None else tuple(_steps(found, proxy, code, of_maker))


def _steps(found: Product, proxy: Proxy, code: str, of_maker: bool) -> Iterator[str]:
    for step in found.steps:
        if code not in step.codes or step.of_maker is not of_maker:
            continue
        text = f"{found.name}: {step.text}{'' if found.tried else UNTRIED}"
        if step.is_done(proxy):
            text += f". Already so: {_says(proxy.source(step.key), step.key, getattr(proxy, step.key))}"
        yield text


def _says(source: Source | None, key: str, value: bool) -> str:
    if source is None:
        return f"the site file says {key} = {str(value).lower()}"
    where = source.path if source.line is None else f"{source.path}:{source.line}"
    return f"{where} says “{source.text}”"


@cache
def _read(name: str) -> Product:
    import tomllib

    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    steps = tuple(
        ProductStep(
            frozenset(row["for"]), " ".join(row["text"].split()), row.get("done"), row.get("of") == "maker"
        )
        for row in table["step"]
    )
    return Product(table["name"], table["tried"], tuple(table.get("aliases", ())), steps)
