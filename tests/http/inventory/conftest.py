from tests.support.api.streams import live

__all__ = ["live"]
