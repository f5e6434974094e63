"""What several tests of flows watch."""

from collections import Counter

import pytest

from tasks.media.footage import Footage


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is opened for decoding."""
    opened: Counter[str] = Counter()
    enter = Footage.__enter__

    def counted(self: Footage) -> Footage:
        opened[self.source.offer.path.name] += 1
        return enter(self)

    monkeypatch.setattr(Footage, "__enter__", counted)
    return opened
