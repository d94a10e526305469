"""Content encodings: removed within a bound, and said where they cannot be."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.http.encoding import decode_body


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    " GZIP ": gzip.compress,
    "deflate": raw_deflate,
    "Deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "zstd, identity,": zstandard.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_removed(encoding: str) -> None:
    packed = ENCODERS[encoding](b"abc")
    assert decode_body((("content-encoding", encoding),), packed, 100) == (b"abc", None)
    assert decode_body((("content-encoding", encoding),), b"", 100) == (b"", None)


def test_several_headers_are_one_list() -> None:
    headers = (("content-encoding", "gzip"), ("content-encoding", "br"))
    assert decode_body(headers, brotli.compress(gzip.compress(b"abc")), 100) == (b"abc", None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_within_a_bound(encoding: str) -> None:
    for size in (100, 101, 30_000_000):
        body, problem = decode_body((("content-encoding", encoding),), ENCODERS[encoding](bytes(size)), 100)
        assert body == bytes(100)
        assert problem == (None if size == 100 else f"more than 100 bytes inside the {encoding} encoding")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_damaged(encoding: str) -> None:
    damaged = (b"not packed", f"damaged {encoding} encoding")
    assert decode_body((("content-encoding", encoding),), b"not packed", 100) == damaged


def test_what_is_not_read() -> None:
    headers = (("content-encoding", "compress"),)
    assert decode_body(headers, b"abc", 100) == (b"abc", "content-encoding compress is not read")
    headers = (("content-encoding", "gzip," * 9),)
    assert decode_body(headers, b"abc", 100) == (b"abc", "more than 4 content encodings")


@given(st.sampled_from(list(ENCODERS)), st.binary(max_size=60))
def test_nothing_raises(encoding: str, data: bytes) -> None:
    decode_body((("content-encoding", encoding),), data, 100)
    body, _ = decode_body((("content-encoding", encoding),), ENCODERS[encoding](data)[:-1], 50)
    assert len(body) <= 100
