import contextlib
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ocsp_pcap.bounds import BOUNDS, take_reached
from ocsp_pcap.tls.compression import CompressionError, decompress

CONTENT = b"certificate " * 300
COMPRESSED = {
    1: zlib.compress(CONTENT),
    2: brotli.compress(CONTENT),
    3: zstandard.ZstdCompressor().compress(CONTENT),
}


@pytest.mark.parametrize("algorithm", COMPRESSED)
def test_what_was_compressed_comes_back(algorithm: int) -> None:
    assert decompress(algorithm, COMPRESSED[algorithm], len(CONTENT)) == CONTENT


@pytest.mark.parametrize("algorithm", COMPRESSED)
@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_size_than_announced_is_refused(algorithm: int, size: int) -> None:
    with pytest.raises(CompressionError):
        decompress(algorithm, COMPRESSED[algorithm], size)


@pytest.mark.reaches("expanded_certificates")
@pytest.mark.parametrize("algorithm", COMPRESSED)
def test_a_bomb_is_refused(algorithm: int) -> None:
    zeros = bytes(BOUNDS.expanded_certificates + 1)
    bomb = {1: zlib.compress, 2: brotli.compress, 3: zstandard.ZstdCompressor().compress}[algorithm](zeros)
    with pytest.raises(CompressionError, match="announced length"):
        decompress(algorithm, bomb, 4000)
    with pytest.raises(CompressionError, match="more than"):
        decompress(algorithm, bomb, len(zeros))


def test_unknown_algorithm() -> None:
    with pytest.raises(CompressionError, match="unknown"):
        decompress(4, CONTENT, len(CONTENT))


@given(
    st.sampled_from([0, 1, 2, 3]), st.binary(max_size=200), st.integers(0, BOUNDS.expanded_certificates + 5)
)
def test_random_bytes_raise_nothing_else(algorithm: int, data: bytes, size: int) -> None:
    with contextlib.suppress(CompressionError):
        assert len(decompress(algorithm, data, size)) == size


@pytest.mark.reaches("certificate_ratio")
def test_a_bomb_is_not_expanded() -> None:
    take_reached()
    data = zlib.compress(bytes(1 << 20), 9)
    with pytest.raises(CompressionError, match=f"announces {1 << 20} bytes in {len(data)}"):
        decompress(1, data, 1 << 20)
    assert take_reached() == {"certificate_ratio": 1}
