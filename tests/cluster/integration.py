"""The shop that the integration suite starts, for this suite too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))

from shop import ADDRESS, ROOT, ZONES, Person, Shop, free_port, ok, refused  # noqa: E402

__all__ = ["ADDRESS", "ROOT", "ZONES", "Person", "Shop", "free_port", "ok", "refused"]
