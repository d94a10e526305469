"""The scenarios, by the name of their folder under `samples/`."""

from __future__ import annotations

from .base import Scenario
from .who_asks import SCENARIOS as WHO_ASKS
from .without_proxies import SCENARIOS as WITHOUT_PROXIES

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in (*WITHOUT_PROXIES, *WHO_ASKS)}
