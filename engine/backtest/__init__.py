"""The past as it would have been: ``care backtest``."""
