"""The scenarios, by the name of their folder under `samples/`."""

from __future__ import annotations

from .base import Scenario
from .caching import SCENARIOS as CACHING
from .captures import SCENARIOS as CAPTURES
from .other_validators import SCENARIOS as OTHER_VALIDATORS
from .second_make import SCENARIOS as SECOND_MAKE
from .trouble import SCENARIOS as TROUBLE
from .who_asks import SCENARIOS as WHO_ASKS
from .without_proxies import SCENARIOS as WITHOUT_PROXIES

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for group in (WITHOUT_PROXIES, WHO_ASKS, CACHING, TROUBLE, CAPTURES, SECOND_MAKE, OTHER_VALIDATORS)
    for scenario in group
}
