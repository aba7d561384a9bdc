"""The channels: how an action reaches somebody. Their registry is ``engine.channels.kinds``."""
